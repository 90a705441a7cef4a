"""Blosc frames, written by numcodecs; the Rust test knows the plain bytes by their formula. worldsmith writes none."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after libraries.

import numcodecs
import numpy as np

import both_ways


def plain(n):
    i = np.arange(n, dtype=np.uint64)
    return ((i * i) // 7 + i % 13).astype("<u4")


def make(out):
    for name in ["blosclz", "lz4", "lz4hc", "zlib", "zstd"]:
        for shuffle, word in enumerate(["plain", "bytes", "bits"]):
            n = 1000 if word == "bits" else 1001
            codec = numcodecs.Blosc(cname=name, clevel=5, shuffle=shuffle, blocksize=2048)
            (out / f"{name}-{word}-{n}.blosc").write_bytes(codec.encode(plain(n)))
    # Twice the same 9000 random bytes, so that matches reach far back, then nothing but zeros.
    noise = np.random.RandomState(1).randint(0, 256, 9000, dtype=np.uint8)
    far = np.concatenate([noise, noise, np.zeros(5000, np.uint8)])
    for name in ["blosclz", "lz4"]:
        codec = numcodecs.Blosc(cname=name, clevel=9, shuffle=0)
        (out / f"{name}-far.blosc").write_bytes(codec.encode(far))
    (out / "stored-plain-100.blosc").write_bytes(numcodecs.Blosc(cname="lz4", clevel=0).encode(plain(100)))
    (out / "WRITTEN_BY.txt").write_text(f"numcodecs {numcodecs.__version__}, tests/parity/data/blosc.py make\n")


if __name__ == "__main__":
    both_ways.run(__doc__, make)
