"""A folder of frames: a table of actions as pyarrow writes it, and what worldsmith wrote as Pillow and csv read it."""

import csv
import json
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after libraries.

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

import both_ways


def make(out):
    table = pa.table(
        {
            "frame": pa.array([0, 1, 2, 3], pa.int64()),
            "action": pa.array(["jump", "duck", "jump", None]).dictionary_encode(),
            "reward": pa.array([0.5, None, -2.0, None], pa.float32()),
            "terminated": pa.array([False, False, True, None]),
            "pos": pa.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]], pa.list_(pa.float64(), 2)),
        }
    )
    pq.write_table(table, out / "actions.parquet")
    (out / "WRITTEN_BY.txt").write_text(f"pyarrow {pa.__version__}, tests/parity/data/frames.py make\n")


def check(root):
    for path, episodes in both_ways.sets(root):
        for idx, wanted in enumerate(episodes):
            folder = path / f"episode-{idx}"
            pictures = [np.array(Image.open(picture)) for picture in sorted(folder.glob("*.png"))]
            with open(folder / "actions.csv", newline="") as file:
                rows = list(csv.DictReader(file))
            meta = json.loads((folder / "episode.json").read_text())
            assert meta == wanted.meta, (folder, meta, wanted.meta)
            compare(wanted, np.stack(pictures), rows, folder)
        print("same:", path.name, len(episodes), "episodes")


def compare(wanted, pictures, rows, where):
    numbers = dict(wanted.obs)
    image = next(name for name, values in numbers.items() if values.dtype == np.uint8)
    image = numbers.pop(image)
    both_ways.same(pictures.reshape(image.shape), image, where)
    # A row an action, and one without an action where there are numbers to see beside the last picture.
    assert len(rows) == (wanted.n + 1 if numbers or not wanted.n else wanted.n), (where, len(rows), wanted.n)
    for name, values in numbers.items():
        both_ways.same(cells(rows, name, values), values, f"{where} {name}")
    for name, values in wanted.actions.items():
        both_ways.same(cells(rows[: wanted.n], f"action.{name}".rstrip("."), values), values, f"{where} action {name}")
    both_ways.same(cells(rows[: wanted.n], "reward", wanted.rewards), wanted.rewards, f"{where} reward")
    for kind in ["terminated", "truncated"]:
        got = np.array([row[kind] == "1" for row in rows])
        both_ways.same(got, both_ways.flags(wanted, kind, len(rows)), f"{where} {kind}")


def cells(rows, name, values):
    """The columns `name`, or `name.0`, `name.1` and so on, of `rows` as numbers in the shape of `values`."""
    width = values[0].size if len(values) else 1
    names = [name] if width == 1 else [f"{name}.{i}" for i in range(width)]
    return np.array([[row[name] for name in names] for row in rows], np.float32).reshape(values.shape)


if __name__ == "__main__":
    both_ways.run(__doc__, make, check)
