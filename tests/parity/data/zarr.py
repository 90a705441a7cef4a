"""Zarr in diffusion policy's layout: small sets written by zarr, and what worldsmith wrote, as zarr reads it."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after libraries.

import numcodecs
import numpy as np
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ZstdCodec

import both_ways

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
    for path, episodes in both_ways.sets(root):
        group = zarr.open_group(path, mode="r")
        lengths = np.array([each.n + 1 for each in episodes])
        both_ways.same(group["meta/episode_ends"][:], np.cumsum(lengths), path)
        both_ways.same(group["meta/seed"][:], np.array([each.meta["seed"] for each in episodes], np.uint64), path)
        wanted = columns(episodes)
        arrays = dict(group["data"].arrays())
        assert arrays.keys() == wanted.keys(), (path, sorted(arrays), sorted(wanted))
        for name, values in wanted.items():
            both_ways.same(arrays[name][:], values, f"{path} {name}")
        print("same:", path.name, "version", group.metadata.zarr_format, len(episodes), "episodes of", sorted(wanted))


def columns(episodes):
    """The arrays that worldsmith must have written: a row an observation, the last one with the action before it."""
    one = episodes[0]
    found = {name.replace("/", ".") or "obs": both_ways.joined(episodes, lambda e: e.obs[name]) for name in one.obs}
    for name in one.actions:
        actions = both_ways.joined(episodes, lambda e: both_ways.with_last(e.actions[name]))
        found[f"action.{name}".rstrip(".")] = actions
    found["reward"] = both_ways.joined(episodes, lambda e: [*e.rewards, 0])
    for kind in ["terminated", "truncated"]:
        found[kind] = both_ways.joined(episodes, lambda e: both_ways.flags(e, kind, e.n + 1))
    return found


if __name__ == "__main__":
    both_ways.run(__doc__, make, check)
