"""stable-worldmodel's HDF5, both ways: `make` writes fixtures in its layout, `check` opens what worldsmith wrote.

pip install numpy h5py hdf5plugin

make DIR   small files laid out as stable-worldmodel 0.1.1's `HDF5Writer` lays them out, from episodes whose numbers
           say which step they belong to: with and without the reset frame, plain and behind each compressor that
           published files use. `expected.json` holds what h5py reads back.
check DIR  DIR holds `*.h5` written by worldsmith, each with a `*.json` of what was put in; compares, and reads each
           file with stable-worldmodel's own reader where that package is installed.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.pop(0)  # This folder, whose scripts are named after libraries.

import h5py
import hdf5plugin
import numpy as np

LENGTHS = [4, 3]
SIDE = 16


def rows(episode, steps, reset_frame):
    """What `World.collect` hands to a writer: what the world says after each step, then actions moved one row up.

    Step 0 is the reset. `collect` of 0.1.1 leaves it out; the version after it does not.
    """
    at = np.arange(0 if reset_frame else 1, steps + 1)
    action = np.stack([100.0 * episode + at - 1, -(at - 1.0)], axis=1).astype(np.float32)
    action[at == 0] = np.nan
    reward = np.where(at == 0, np.nan, 10.0 * episode + at)
    pixels = np.zeros((len(at), SIDE, SIDE, 3), np.uint8)
    pixels[..., 0] = at[:, None, None]
    pixels[..., 1] = np.arange(SIDE)
    pixels[..., 2] = episode
    return {
        "pixels": pixels,
        "state": np.stack([at, at * 0.5, np.full(len(at), episode)], axis=1),
        "goal_state": np.full((len(at), 3), 7.0),
        "action": np.roll(action, -1, axis=0),
        "reward": reward,
        "terminated": (at == steps) & (episode == 0),
        "truncated": (at == steps) & (episode == 1),
        "step_idx": at.astype(np.int64),
        "id": np.full(len(at), 1000 + episode),
    }


def write(path, reset_frame, chunk, discrete=False, libver="latest", **compression):
    episodes = [rows(episode, steps, reset_frame) for episode, steps in enumerate(LENGTHS)]
    if discrete:
        for episode in episodes:
            with np.errstate(invalid="ignore"):
                episode["action"] = episode["action"][:, 1].astype(np.int64)
            episode["action"][:-1] *= -1
    with h5py.File(path, "w", libver=libver) as file:
        for name in episodes[0]:
            data = np.concatenate([episode[name] for episode in episodes])
            file.create_dataset(
                name, data=data, chunks=(chunk, *data.shape[1:]), maxshape=(None, *data.shape[1:]), **compression
            )
        lengths = np.array([len(episode["state"]) for episode in episodes])
        file.create_dataset("ep_len", data=lengths.astype(np.int32), maxshape=(None,), chunks=(16,))
        offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        file.create_dataset("ep_offset", data=offsets.astype(np.int64), maxshape=(None,), chunks=(16,))


def make(out):
    blosc = lambda cname, shuffle: dict(hdf5plugin.Blosc(cname=cname, clevel=5, shuffle=shuffle))
    write(out / "v011.h5", False, 1)
    write(out / "v011_discrete.h5", False, 1, discrete=True)
    write(out / "reset.h5", True, 1)
    write(out / "reset_discrete.h5", True, 1, discrete=True)
    write(out / "deflate.h5", True, 3, compression="gzip", shuffle=True, libver="earliest")
    write(out / "lzf.h5", True, 4, compression="lzf")
    write(out / "blosc_lz4.h5", True, 4, **blosc("lz4", hdf5plugin.Blosc.SHUFFLE))
    write(out / "blosc_zstd.h5", True, 4, **blosc("zstd", hdf5plugin.Blosc.BITSHUFFLE))
    write(out / "blosc_blosclz.h5", True, 4, **blosc("blosclz", hdf5plugin.Blosc.SHUFFLE))
    (out / "README.txt").write_text(
        f"Written by tests/parity/data/swm_hdf5.py with h5py {h5py.__version__} (HDF5 {h5py.version.hdf5_version}) and "
        f"hdf5plugin {hdf5plugin.version}, in the layout of stable-worldmodel 0.1.1.\n"
    )


def stable_worldmodel(path):
    try:
        from stable_worldmodel.data.formats.hdf5 import HDF5Dataset
    except ImportError:
        return None
    return HDF5Dataset(path=path)


def check(out):
    for expected in sorted(out.glob("*.json")):
        path = expected.with_suffix(".h5")
        want = json.loads(expected.read_text())
        with h5py.File(path, "r", swmr=True) as file:
            assert sorted(file) == sorted(want), (sorted(file), sorted(want))
            for name, column in want.items():
                got = file[name][()]
                assert str(got.dtype) == column["dtype"], (name, got.dtype, column["dtype"])
                assert list(got.shape) == column["shape"], (name, got.shape, column["shape"])
                data = np.array([np.nan if x is None else x for x in column["data"]], got.dtype).reshape(got.shape)
                assert np.array_equal(got, data, equal_nan=got.dtype.kind == "f"), name
        reader = stable_worldmodel(path)
        if reader is not None:
            for idx, length in enumerate(reader.lengths):
                found = reader.load_episode(idx)
                assert all(len(column) == length for column in found.values())
        print("same:", path.name, "" if reader is None else "and read by stable-worldmodel")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "check"])
    parser.add_argument("dir", type=Path)
    args = parser.parse_args()
    {"make": make, "check": check}[args.what](args.dir)
