"""Video files beside PyAV (FFmpeg): the fixtures of `crates/video`, and a check of what it writes.

    python video.py make FRAMES.npz OUT    # FRAMES.npz: `image_u8`, frames x 3 x height x width
    python video.py check DIR              # DIR: NAME.mp4 beside NAME.rgb, what worldsmith reads from it

Needs `pip install av numpy pillow`. Files in LeRobot 0.4.4's settings: every second frame a key, crf 30, yuv420p.
"""

import argparse
from pathlib import Path

import av
import numpy as np
from PIL import Image

SHOWN = [0, 1, 2, 7, 20, 39]


def read(path):
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return np.stack([f.to_ndarray(format="rgb24") for f in frames]), [f.time for f in frames]


def write(path, frames, codec, options):
    with av.open(str(path), "w", options={"movflags": "faststart"} if "b_frames" in path.name else {}) as out:
        height, width = frames.shape[1:3]
        stream = out.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")))
        out.mux(stream.encode(None))


def make(args):
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    frames = np.load(args.frames)["image_u8"].transpose(0, 2, 3, 1)[:40]
    write(out / "av1.mp4", frames, "libsvtav1", {"g": "2", "crf": "30", "preset": "12"})
    tricky = {"g": "16", "bf": "3", "crf": "30", "x264-params": "ref=3:open-gop=1:b-pyramid=normal"}
    write(out / "b_frames.mp4", frames[:, :66, :90], "libx264", tricky)
    for path in sorted(out.glob("*.mp4")):
        shown, times = read(path)
        assert np.allclose(times, np.arange(40) / 10), times
        for idx in SHOWN:
            Image.fromarray(shown[idx]).save(out / f"{path.stem}_{idx}.png", optimize=True)
    versions = ", ".join(f"{k} {'.'.join(map(str, v))}" for k, v in sorted(av.library_versions.items())[:3])
    # `lerobot.mp4` and its pictures come from elsewhere: LeRobot itself wrote and read them.
    (out / "README.txt").write_text(
        f"40 frames of LeRobot's PushT, written by tests/parity/data/video.py with PyAV {av.__version__} ({versions}).\n"
        "NAME_IDX.png is frame IDX of NAME.mp4 as PyAV reads it.\n"
    )


def check(args):
    for path in sorted(Path(args.dir).glob("*.mp4")):
        shown, times = read(path)
        ours = np.fromfile(path.with_suffix(".rgb"), np.uint8).reshape(len(shown), -1)
        theirs = shown.reshape(len(shown), -1)
        if ours.shape != theirs.shape:
            print(f"{path.name}: {shown.shape} frames, {ours.shape[1]} bytes a frame here: odd sizes are cropped here only")
            continue
        diff = np.abs(ours.astype(int) - theirs)
        print(f"{path.name}: {shown.shape}, first times {times[:3]}, difference mean {diff.mean():.4f} max {diff.max()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    maker = commands.add_parser("make")
    maker.add_argument("frames")
    maker.add_argument("out")
    maker.set_defaults(run=make)
    checker = commands.add_parser("check")
    checker.add_argument("dir")
    checker.set_defaults(run=check)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
