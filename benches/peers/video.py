"""Windows of video from LeRobot data sets: worldsmith's reader beside LeRobot's own, in turns on one machine.

    pip install lerobot==0.4.4 torch==2.10.0 torchcodec==0.10.0
    cargo bench -p worldsmith-data --bench loaders --no-run   # prints the path of the program
    python benches/peers/video.py <that program> [--rounds 7] [--json out.json]

LeRobot writes PushT (96x96, its default settings) once as H.264 and once as AV1; everyone reads random windows of 16 frames
of those files, with the columns of numbers beside them (`set`) or the frames alone (`frames`). `first`: every frame is
decoded, the decoder stays open. `opened`: the file is opened for each window. `imported`: ours draws from a store that the
set was imported into once, which is what training does. Two threads of ours stand beside a `DataLoader` with two workers.
"""

import ctypes.util
import functools
import os
import re
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("HF_HOME", tempfile.mkdtemp())

import av

# torchcodec takes the system's FFmpeg. Where there is none, PyAV has one, under names of its own.
if not ctypes.util.find_library("avcodec") and "FFMPEG_OF_PYAV" not in os.environ:
    links = Path(tempfile.mkdtemp())
    for library in Path(av.__file__).parents[1].glob("av.libs/lib*.so.*"):
        (links / re.sub(r"-[0-9a-f]{8}(\.so\.\d+).*", r"\1", library.name)).symlink_to(library)
    os.environ |= {"FFMPEG_OF_PYAV": str(links), "LD_LIBRARY_PATH": f"{links}:{os.environ.get('LD_LIBRARY_PATH', '')}"}
    os.execv(sys.executable, sys.orig_argv)

import numpy as np
import torch
import turns
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.datasets.video_utils import VideoDecoderCache, decode_video_frames_torchcodec

STEPS, BATCH, FPS = 16, 16, 10
N_EPISODES = 8
CODECS = {"H.264": "h264", "AV1": "libsvtav1"}
IMAGE = "observation.image"
PUSHT = Path(__file__).parents[2] / "crates/video/tests/fixtures/lerobot.mp4"


def write(root, codec):
    """Episodes of the 240 frames of PushT that are at hand, each from another frame on."""
    with av.open(str(PUSHT)) as container:
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    features = {
        IMAGE: {"dtype": "video", "shape": frames[0].shape, "names": ["height", "width", "channels"]},
        "observation.state": {"dtype": "float32", "shape": (2,), "names": ["x", "y"]},
        "action": {"dtype": "float32", "shape": (2,), "names": ["x", "y"]},
        "next.reward": {"dtype": "float32", "shape": (1,), "names": None},
    }
    dataset = LeRobotDataset.create("pusht", fps=FPS, root=root, features=features, vcodec=codec)
    for episode in range(N_EPISODES):
        for t, image in enumerate(np.roll(frames, 30 * episode, axis=0)):
            numbers = np.array([t, episode], np.float32)
            row = {IMAGE: image, "observation.state": numbers, "action": numbers, "next.reward": numbers[:1]}
            dataset.add_frame({**row, "task": "push"})
        dataset.save_episode()
    dataset.finalize()
    # SVT-AV1 makes who calls it a real-time thread where it may. Whoever is started from here would be one too, and
    # would not let anybody else on the cores.
    for thread in os.listdir("/proc/self/task"):
        os.sched_setscheduler(int(thread), os.SCHED_OTHER, os.sched_param(0))


def dataset(root, backend):
    window = [i / FPS for i in range(STEPS)]
    return LeRobotDataset("pusht", root=root, video_backend=backend, delta_timestamps={IMAGE: window})


def windows(data):
    """Rows at which a window of one episode starts."""
    frame = np.array(data.hf_dataset["frame_index"])
    return [i for i in range(len(frame) - STEPS + 1) if frame[i + STEPS - 1] == frame[i] + STEPS - 1]


def cases(name, root):
    """For each way to read the set at `root` a function that reads `BATCH` windows."""
    rng = np.random.default_rng(0)
    found = {}
    for backend in ["torchcodec", "pyav"]:
        data = dataset(root, backend)
        starts = windows(data)
        found[f"{name} set, {backend}"] = lambda data=data: [data[int(rng.choice(starts))] for _ in range(BATCH)]
        sampler = torch.utils.data.RandomSampler(starts, replacement=True, num_samples=1 << 40)
        some = torch.utils.data.Subset(data, starts)
        loader = torch.utils.data.DataLoader(some, batch_size=BATCH, sampler=sampler, num_workers=2)
        fetch = functools.partial(next, iter(loader))
        fetch.ready = 2 * 2  # What workers fetched while others were measured.
        found[f"{name} set, {backend}, 2 workers"] = fetch
    film = next(root.glob("videos/*/*/*.mp4"))
    kept = VideoDecoderCache()

    def frames(keep):
        cache = kept if keep else VideoDecoderCache()
        for start in rng.choice(starts, BATCH):
            times = [(int(start) + i) / FPS for i in range(STEPS)]
            decode_video_frames_torchcodec(film, times, 1e-4, decoder_cache=cache)
            if not keep:
                cache.clear()

    found[f"{name} frames, torchcodec"] = lambda: frames(True)
    found[f"{name} opened, torchcodec"] = lambda: frames(False)
    return found


def main():
    args = turns.arguments(__doc__)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        peers, pairs, served = {}, [], []
        for name, codec in CODECS.items():
            root = Path(folder) / codec
            write(root, codec)
            peers |= cases(name, root)
            served += [name, str(root)]
            for backend in ["torchcodec", "pyav"]:
                pairs.append((f"{name} set first, 1 thread", f"{name} set, {backend}"))
                pairs.append((f"{name} set first, 2 threads", f"{name} set, {backend}, 2 workers"))
            pairs.append((f"{name} set imported, 1 thread", f"{name} set, torchcodec"))
            pairs.append((f"{name} frames first, 1 thread", f"{name} frames, torchcodec"))
            pairs.append((f"{name} frames opened, 1 thread", f"{name} opened, torchcodec"))
        ours = turns.Ours(args.bench, "--serve", "video", *served)
        turns.measure(pairs, peers, ours, args, "windows", work=BATCH)


if __name__ == "__main__":
    main()
