"""Zarr in diffusion policy's layout: `make DIR` writes small sets with zarr, `check DIR` opens what worldsmith wrote."""

import argparse
import pathlib
import sys

# A script called zarr.py would shadow the package.
sys.path = [path for path in sys.path if pathlib.Path(path or ".").resolve() != pathlib.Path(__file__).parent]

import numcodecs
import numpy as np
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ZstdCodec

N = 7


def arrays():
    """Two episodes, rows 0..4 and 4..7."""
    image = (np.arange(N * 16 * 18 * 3) % 251).reshape(N, 16, 18, 3).astype(np.float32)
    return {
        "img": image,
        "state": (np.arange(N * 2).reshape(N, 2) / 4).astype(np.float64),
        "keypoint": np.arange(N * 6).reshape(N, 3, 2).astype(np.float32),
        "n_contacts": np.array([[0], [0], [0], [0], [0], [0], [3]], np.float32),
        "action": np.arange(N * 2).reshape(N, 2).astype(np.float32),
    }


def chunks(name, array):
    """More than one chunk along every axis somewhere, and not of a divisor of the extent."""
    return {"img": (3, 7, 18, 3), "keypoint": (2, 2, 1)}.get(name, (3,) + array.shape[1:])


def write(root, version, packing):
    root.create_group("data")
    root.create_group("meta")
    for name, array in arrays().items():
        kind = packing[name]
        made = root["data"].create_array(
            name, shape=array.shape, dtype=array.dtype, chunks=chunks(name, array), fill_value=0, **kind
        )
        made[:] = array
    ends = np.array([4, 7], np.int64)
    made = root["meta"].create_array("episode_ends", shape=(2,), dtype="int64", chunks=(2,), **packing["state"])
    made[:] = ends


def make(out):
    out.mkdir(parents=True, exist_ok=True)
    blosc = lambda name, shuffle: numcodecs.Blosc(cname=name, clevel=5, shuffle=shuffle)
    v2 = {
        "img": {"compressors": blosc("lz4", numcodecs.Blosc.SHUFFLE)},
        "state": {"compressors": numcodecs.Zlib(6)},
        "keypoint": {"compressors": None},
        "n_contacts": {"compressors": numcodecs.Zstd(3)},
        "action": {"compressors": blosc("zstd", numcodecs.Blosc.BITSHUFFLE)},
    }
    write(zarr.open_group(out / "v2.zarr", mode="w", zarr_format=2), 2, v2)
    v3 = {
        "img": {"compressors": ZstdCodec(level=3)},
        "state": {"compressors": GzipCodec(level=5)},
        "keypoint": {"compressors": BloscCodec(cname="lz4", typesize=4)},
        "n_contacts": {"compressors": None},
        "action": {"serializer": BytesCodec(endian="big"), "compressors": [ZstdCodec(level=1), Crc32cCodec()]},
    }
    write(zarr.open_group(out / "v3.zarr", mode="w", zarr_format=3), 3, v3)
    store = zarr.storage.ZipStore(out / "v2.zarr.zip", mode="w")
    write(zarr.group(store=store, zarr_format=2), 2, v2)
    store.close()
    (out / "WRITTEN_BY.txt").write_text(
        f"zarr {zarr.__version__}, numcodecs {numcodecs.__version__}, tests/parity/data/zarr.py make\n"
    )


def check(root):
    group = zarr.open_group(root, mode="r")
    ends = group["meta/episode_ends"][:]
    assert (np.diff(ends, prepend=0) > 0).all(), ends
    for name, array in sorted(group["data"].arrays()):
        values = array[:]
        assert len(values) == ends[-1], (name, values.shape, ends)
        print(name, values.dtype, values.shape, "chunks", array.chunks, "sum", values.astype(np.float64).sum())
    print("zarr", group.metadata.zarr_format, "episode_ends", ends.tolist(), "seeds", group["meta/seed"][:].tolist())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["make", "check"])
    parser.add_argument("dir", type=pathlib.Path)
    args = parser.parse_args()
    (make if args.command == "make" else check)(args.dir)
