"""Video files beside PyAV (FFmpeg): the fixtures of `crates/video`, and what worldsmith wrote, as PyAV reads it.

The pictures are those of `lerobot.mp4`, which LeRobot 0.4.4 wrote of PushT in its own settings and which is copied; `av1.mp4`
has those settings too (every second frame a key, crf 30, yuv420p), `b_frames.mp4` is as tangled as x264 makes them.
"""

import shutil
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after libraries.

import av
import numpy as np
from PIL import Image

import both_ways

FIXTURES = Path(__file__).parents[3] / "crates/video/tests/fixtures"
SHOWN = {"lerobot": [0, 1, 118, 239], "b_frames": [0, 1, 2, 7, 20, 39], "av1": [0, 1, 2, 7, 20, 39]}


def read(path):
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return np.stack([even(f).to_ndarray(format="rgb24") for f in frames]), [f.time for f in frames]


def even(frame):
    """A frame of odd size with its last row and column repeated: FFmpeg blends the colours of odd frames, and of no others."""
    if frame.width % 2 == 0 and frame.height % 2 == 0:
        return frame
    planes = [np.frombuffer(p, np.uint8).reshape(p.height, p.line_size)[:, : p.width] for p in frame.planes]
    luma = np.pad(planes[0], [(0, side % 2) for side in planes[0].shape], "edge")
    samples = np.concatenate([plane.ravel() for plane in [luma, *planes[1:]]])
    return av.VideoFrame.from_ndarray(samples.reshape(-1, luma.shape[1]), "yuv420p")


def write(path, frames, codec, options):
    with av.open(str(path), "w", options={"movflags": "faststart"} if "b_frames" in path.name else {}) as out:
        height, width = frames.shape[1:3]
        stream = out.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")))
        out.mux(stream.encode(None))


def make(out):
    source = FIXTURES / "lerobot.mp4"
    if out.resolve() != FIXTURES.resolve():
        shutil.copy(source, out)
    frames = read(source)[0][:40]
    write(out / "av1.mp4", frames, "libsvtav1", {"g": "2", "crf": "30", "preset": "12"})
    tricky = {"g": "16", "bf": "3", "crf": "30", "x264-params": "ref=3:open-gop=1:b-pyramid=normal"}
    write(out / "b_frames.mp4", frames[:, :66, :90], "libx264", tricky)
    for name, chosen in SHOWN.items():
        shown, times = read(out / f"{name}.mp4")
        assert np.allclose(times, np.arange(len(shown)) / 10), times
        for idx in chosen:
            Image.fromarray(shown[idx]).save(out / f"{name}_{idx}.png", optimize=True)
    versions = ", ".join(f"{k} {'.'.join(map(str, v))}" for k, v in sorted(av.library_versions.items())[:3])
    (out / "README.txt").write_text(
        "lerobot.mp4: PushT, 240 frames, written by LeRobot 0.4.4 (`vcodec='h264'`). av1.mp4 and b_frames.mp4: its first\n"
        f"40, written by tests/parity/data/video.py with PyAV {av.__version__} ({versions}).\n"
        "NAME_IDX.png is frame IDX of NAME.mp4 as PyAV reads it; LeRobot's own reader (torchcodec 0.10.0 or PyAV 15.1.0)\n"
        "returned the same for lerobot.mp4.\n"
    )


def check(root):
    """DIR holds NAME.mp4 beside NAME.rgb, what worldsmith reads from it."""
    paths = sorted(root.glob("*.mp4"))
    assert paths, f"expected videos that worldsmith's tests left here, got none: {root}"
    for path in paths:
        shown, _ = read(path)
        height, width = (int(side) for side in path.stem.split("_")[1].split("x"))
        # A coded frame of H.264 has even sides; the file says what of it is shown, which PyAV leaves to others.
        ours = np.fromfile(path.with_suffix(".rgb"), np.uint8).reshape(len(shown), height, width, 3)
        both_ways.same(shown[:, :height, :width], ours, path)
        print("same:", path.name, len(shown), "frames")


if __name__ == "__main__":
    both_ways.run(__doc__, make, check)
