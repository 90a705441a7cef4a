"""A table of actions as pyarrow writes it: `make DIR`. `check DIR` opens a folder that worldsmith wrote with Pillow and csv."""

import argparse
import csv
import pathlib


def make(out):
    import pyarrow as pa
    import pyarrow.parquet as pq

    out.mkdir(parents=True, exist_ok=True)
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
    from PIL import Image

    episodes = sorted(root.glob("episode-*"), key=lambda path: int(path.name.split("-")[1]))
    assert episodes, "no episodes"
    for episode in episodes:
        sizes = {Image.open(path).size for path in sorted(episode.glob("*.png"))}
        n = len(list(episode.glob("*.png")))
        rows = list(csv.DictReader(open(episode / "actions.csv")))
        assert len(sizes) == 1 and len(rows) in (n - 1, n), (episode, sizes, len(rows), n)
        print(episode.name, n, "frames of", sizes, len(rows), "rows of", list(rows[0]) if rows else [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["make", "check"])
    parser.add_argument("dir", type=pathlib.Path)
    args = parser.parse_args()
    (make if args.command == "make" else check)(args.dir)
