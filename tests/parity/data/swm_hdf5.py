"""stable-worldmodel's HDF5, both ways.

`make` lays small files out as stable-worldmodel 0.1.1's `HDF5Writer` lays them out, from episodes whose numbers say which
step they belong to: with and without the reset frame, plain and behind each compressor that published files use. `check`
compares what h5py reads, and reads each file with stable-worldmodel's own reader where that package is installed.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after libraries.

import h5py
import hdf5plugin
import numpy as np

import both_ways

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


def check(root):
    for path, episodes in both_ways.sets(root):
        wanted = columns(episodes)
        with h5py.File(path, "r", swmr=True) as file:
            assert sorted(file) == sorted(wanted), (sorted(file), sorted(wanted))
            for name, (dtype, values) in wanted.items():
                assert file[name].dtype == dtype, (name, file[name].dtype, dtype)
                both_ways.same(file[name][()], values, f"{path} {name}")
        reader = stable_worldmodel(path)
        if reader is not None:
            for idx, length in enumerate(reader.lengths):
                found = reader.load_episode(idx)
                assert all(len(column) == length for column in found.values())
        print("same:", path.name, "" if reader is None else "and read by stable-worldmodel")


def columns(episodes):
    """Name, type and values of what must be in a file: row `t` holds the action taken on it and the reward that came."""
    lengths = np.array([each.n + 1 for each in episodes])
    at = both_ways.joined(episodes, lambda e: np.arange(e.n + 1))
    choices = episodes[0].actions[""].ndim == 1

    def actions(each):
        if choices:
            return both_ways.with_last(each.actions[""])
        return np.concatenate([each.actions[""], np.full((1, *each.actions[""].shape[1:]), np.nan)])

    numbers = {name: both_ways.joined(episodes, lambda e: e.obs[name]) for name in episodes[0].obs}
    numbers = {name: (values.dtype, values) for name, values in numbers.items()}
    ends = {
        kind: ("bool", both_ways.joined(episodes, lambda e: (np.arange(e.n + 1) == e.n) & (e.end == kind)))
        for kind in ["terminated", "truncated"]
    }
    seeds = [np.full(each.n + 1, each.meta["seed"], np.uint64).astype(np.int64) for each in episodes]
    return {
        **numbers,
        **ends,
        "action": ("int64" if choices else "float32", both_ways.joined(episodes, actions)),
        "reward": ("float32", both_ways.joined(episodes, lambda e: [np.nan, *e.rewards])),
        "step_idx": ("int64", at),
        "seed": ("int64", np.concatenate(seeds)),
        "ep_len": ("int32", lengths),
        "ep_offset": ("int64", np.cumsum(lengths) - lengths),
    }


if __name__ == "__main__":
    both_ways.run(__doc__, make, check)
