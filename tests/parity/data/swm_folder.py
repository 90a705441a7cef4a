"""stable-worldmodel's folder and video layouts: written by its own writers, beside them what its own readers return;
and what worldsmith wrote, as those readers read it. They need imageio-ffmpeg and decord beside stable-worldmodel."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after libraries.

import numpy as np
from stable_worldmodel.data.formats.folder import Folder, FolderDataset, FolderWriter
from stable_worldmodel.data.formats.video import Video, VideoDataset, VideoWriter

import both_ways

LENGTHS = [5, 4]


def episode(idx, n):
    rows = np.arange(n)
    # The original video reader fails on widths that are no multiple of 64.
    y, x = np.mgrid[0:32, 0:64]
    pixels = np.stack([np.stack([3 * x + 10 * t, 6 * y, 0 * x + 60 * idx + 20], -1) for t in rows]).clip(0, 255)
    action = rng().normal(size=(n, 2)).astype(np.float32)
    action[-1] = np.nan
    return {
        "pixels": pixels.astype(np.uint8),
        "state": np.stack([rows + 100 * idx, rows / 4], -1),
        "action": action,
        "reward": np.where(rows == 0, np.nan, rows + idx),
        "terminated": (rows == n - 1) & (idx == 0),
        "truncated": (rows == n - 1) & (idx == 1),
        "step_idx": rows,
    }


def rng():
    return np.random.default_rng(7)


def make(out):
    for name, writer in [("folder", FolderWriter), ("video", VideoWriter)]:
        with writer(out / name, mode="overwrite") as sink:
            for idx, n in enumerate(LENGTHS):
                sink.write_episode({key: list(values) for key, values in episode(idx, n).items()})
        reader = FolderDataset(path=out / name) if name == "folder" else VideoDataset(path=out / name, video_keys=["pixels"])
        for idx, n in enumerate(LENGTHS):
            got = {key: np.asarray(value) for key, value in reader._load_slice(idx, 0, n).items()}
            np.savez_compressed(
                out / f"{name}_expected_{idx}.npz",
                # The reader puts channels first.
                pixels=got["pixels"].transpose(0, 2, 3, 1), state=got["state"], action=got["action"][:-1],
                reward=got["reward"][1:], terminated=got["terminated"][1:], truncated=got["truncated"][1:],
            )
    (out / "WRITTEN_BY.txt").write_text("stable-worldmodel 0.1.1, tests/parity/data/swm_folder.py make\n")


def check(root):
    for path, episodes in both_ways.sets(root):
        is_video = Video.detect(path)
        assert Folder.detect(path) != is_video, path
        pictures = [each.name for each in path.iterdir() if each.is_dir()]
        reader = VideoDataset(path=path, video_keys=pictures) if is_video else Folder.open_reader(path)
        assert list(reader.lengths) == [each.n + 1 for each in episodes], (path, reader.lengths)
        for idx, wanted in enumerate(episodes):
            found = reader._load_slice(idx, 0, wanted.n + 1)
            for name, (values, most_off) in columns(wanted, 8 if is_video else 2).items():
                got = np.asarray(found[name])
                # The readers put channels first, and leave them out of grey pictures.
                got = got.transpose(0, 2, 3, 1) if name in pictures and got.ndim == 4 else got
                both_ways.same(got.reshape(values.shape), values, f"{path} {idx} {name}", most_off)
        print("same:", path.name, len(episodes), "episodes, pictures off by at most", 8 if is_video else 2)


def columns(wanted, lossy):
    """What each column must hold, and how far off it may be."""
    found = {name: (values, lossy if values.dtype == np.uint8 else 0) for name, values in wanted.obs.items()}
    found["action"] = (both_ways.with_last(wanted.actions[""]), 0)
    found["reward"] = (np.array([np.nan, *wanted.rewards]), 0)
    rows = np.arange(wanted.n + 1)
    found |= {kind: ((rows == wanted.n) & (wanted.end == kind), 0) for kind in ["terminated", "truncated"]}
    return found | {"step_idx": (rows, 0)}


if __name__ == "__main__":
    both_ways.run(__doc__, make, check)
