"""stable-worldmodel's folder and video layouts: `make DIR` writes both with its own writers and stores what its own
readers return; `check DIR` opens a folder that worldsmith wrote. Needs stable-worldmodel 0.1.1, imageio-ffmpeg, decord."""

import argparse
import pathlib

import numpy as np

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
    import stable_worldmodel as swm
    from stable_worldmodel.data.formats.folder import FolderDataset, FolderWriter
    from stable_worldmodel.data.formats.video import VideoDataset, VideoWriter

    out.mkdir(parents=True, exist_ok=True)
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
    from stable_worldmodel.data.formats.folder import Folder

    assert Folder.detect(root)
    reader = Folder.open_reader(root)
    for idx, n in enumerate(reader.lengths):
        got = {key: np.asarray(value) for key, value in reader._load_slice(idx, 0, int(n)).items()}
        print(idx, n, {key: (value.dtype.str, value.shape) for key, value in got.items()})
        assert all(len(value) == n for value in got.values())
        print("  pixel sum", *(int(value.sum()) for value in got.values() if value.ndim == 4))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["make", "check"])
    parser.add_argument("dir", type=pathlib.Path)
    args = parser.parse_args()
    (make if args.command == "make" else check)(args.dir)
