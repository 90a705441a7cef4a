"""LeRobot data sets, both ways. Nothing is downloaded.

`make` has LeRobot write small sets of version 3.0 (pictures, H.264 and AV1 video). It lays sets of versions 2.1 and 2.0 out
itself, since LeRobot 0.4.4 no longer writes them, and proves the layout of 2.1 by LeRobot's own converter. Beside each
set of lossy pictures goes a film strip of what LeRobot (or Pillow) reads from it. `check` compares every row of what
worldsmith wrote as LeRobot reads it: all but the pictures of videos must be equal.
"""

import json
import os
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after libraries.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("HF_HOME", tempfile.mkdtemp())

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.datasets.v30 import convert_dataset_v21_to_v30 as converter
from lerobot.datasets.video_utils import encode_video_frames
from PIL import Image

import both_ways

HEIGHT, WIDTH, FPS = 48, 64, 10
TASKS = ["push the box", "pull the box"]
IMAGE = "observation.image"


def reader(root):
    return LeRobotDataset("fixture", root=root, video_backend="pyav")


def picture(row):
    """Frame `row` of the whole set: gradients, a blue that tells frames apart, a white box that moves."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[..., 0] = 3 * np.arange(WIDTH)[None, :]
    image[..., 1] = 4 * np.arange(HEIGHT)[:, None]
    image[..., 2] = 12 * row
    image[row : row + 8, 2 * row : 2 * row + 8] = 255
    return image


def frame(row, is_last, choices, square):
    action = np.array([row % 3]) if choices else np.array([row / 4, -row], np.float32)
    environment = np.array([row, 1, 2, -row], np.float64)
    return {
        IMAGE: picture(row),
        "observation.state": np.array([row, row / 8], np.float32),
        "observation.environment_state": environment.reshape(2, 2) if square else environment,
        "observation.touch": np.array([row % 2 == 1]),
        "action": action,
        "next.reward": np.array([row / 16], np.float32),
        "next.done": np.array([is_last]),
        "next.success": np.array([False]),
    }


def features(kind, choices, square):
    def numbers(dtype, *shape, names=None):
        return {"dtype": dtype, "shape": shape, "names": names}

    return {
        IMAGE: {"dtype": kind, "shape": (HEIGHT, WIDTH, 3), "names": ["height", "width", "channels"]},
        "observation.state": numbers("float32", 2, names=["x", "y"]),
        "observation.environment_state": numbers("float64", *([2, 2] if square else [4])),
        "observation.touch": numbers("bool", 1),
        "action": numbers("int64", 1) if choices else numbers("float32", 2, names=["dx", "dy"]),
        "next.reward": numbers("float32", 1),
        "next.done": numbers("bool", 1),
        "next.success": numbers("bool", 1),
    }


def write_v30(root, kind, lengths, codec="h264", choices=False, square=False):
    described = features(kind, choices, square)
    dataset = LeRobotDataset.create(
        "fixture", fps=FPS, root=root, features=described, use_videos=kind == "video", vcodec=codec
    )
    row = 0
    for episode, length in enumerate(lengths):
        for at in range(length):
            dataset.add_frame({**frame(row, at == length - 1, choices, square), "task": TASKS[episode % 2]})
            row += 1
        dataset.save_episode()
    dataset.finalize()
    for empty in ["images"]:
        shutil.rmtree(Path(root) / empty, ignore_errors=True)


def write_v2(root, source, number, jpeg=False):
    """Lays the set in `source` (version 3.0) out as version 2.1 or 2.0."""
    root, source = Path(root), Path(source)
    read = reader(source)
    info = json.loads((source / "meta/info.json").read_text())
    has_video = info["features"][IMAGE]["dtype"] == "video"
    for name in ["data_files_size_in_mb", "video_files_size_in_mb"]:
        del info[name]
    info |= {
        "codebase_version": number,
        "total_chunks": 1,
        "total_videos": info["total_episodes"] if has_video else 0,
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
        if has_video
        else None,
    }
    (root / "meta").mkdir(parents=True)
    (root / "meta/info.json").write_text(json.dumps(info, indent=4))
    lines("tasks", root, [{"task_index": i, "task": task} for i, task in enumerate(read.meta.tasks.index)])
    table = pq.read_table(source / "data/chunk-000/file-000.parquet")
    episodes = pd.concat(pd.read_parquet(p) for p in sorted((source / "meta/episodes").glob("*/*.parquet")))
    about, stats = [], []
    for _, episode in episodes.iterrows():
        index, tasks = int(episode.episode_index), list(episode.tasks)
        about.append({"episode_index": index, "tasks": tasks, "length": int(episode.length)})
        stats.append({"episode_index": index, "stats": nested_stats(episode)})
        rows = table.slice(episode.dataset_from_index, episode.length)
        if jpeg:
            cells = [{"bytes": as_jpeg(row), "path": None} for row in rows["index"].to_pylist()]
            kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
            rows = rows.set_column(rows.schema.get_field_index(IMAGE), IMAGE, pa.array(cells, kind))
        path = root / f"data/chunk-000/episode_{index:06d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, path)
        if has_video:
            encode_episode(root / f"videos/chunk-000/{IMAGE}/episode_{index:06d}.mp4", rows["index"].to_pylist())
    lines("episodes", root, about)
    if number == "v2.1":
        lines("episodes_stats", root, stats)
    else:
        shutil.copy(source / "meta/stats.json", root / "meta/stats.json")


def lines(name, root, values):
    (root / f"meta/{name}.jsonl").write_text("".join(json.dumps(value) + "\n" for value in values))


def nested_stats(episode):
    def plain(value):
        if isinstance(value, np.ndarray):
            return [plain(part) for part in value]
        return value.item() if isinstance(value, np.generic) else value

    stats = {}
    for key, value in episode.items():
        if key.startswith("stats/") and key.rsplit("/", 1)[1] in ["min", "max", "mean", "std", "count"]:
            _, feature, name = key.split("/")
            stats.setdefault(feature, {})[name] = plain(value)
    return stats


def as_jpeg(row):
    with tempfile.TemporaryFile() as file:
        Image.fromarray(picture(row)).save(file, "JPEG", quality=95)
        file.seek(0)
        return file.read()


def encode_episode(path, rows):
    with tempfile.TemporaryDirectory() as folder:
        for at, row in enumerate(rows):
            Image.fromarray(picture(row)).save(Path(folder) / f"frame-{at:06d}.png")
        encode_video_frames(folder, path, FPS, vcodec="h264", overwrite=True)


def convert(source, root, file_mb):
    """LeRobot's converter from 2.1 to 3.0; returns a reader of what it made."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(source, home / "set")
        converter.convert_info(home / "set", root, 100, 200)
        converter.convert_tasks(home / "set", root)
        data = converter.convert_data(home / "set", root, file_mb)
        videos = converter.convert_videos(home / "set", root, 200)
        converter.convert_episodes_metadata(home / "set", root, data, videos)
    return reader(root)


def frames(dataset):
    as_bytes = [np.round(dataset[i][IMAGE].numpy() * 255).astype(np.uint8) for i in range(len(dataset))]
    return [image.transpose(1, 2, 0) for image in as_bytes]


def strip(images, path):
    Image.fromarray(np.concatenate(images, axis=1)).save(path, optimize=True)


def make(out):
    shutil.rmtree(out)
    out.mkdir()
    lengths = [10, 6]
    # The converter stumbles over arrays of two axes, so only this set has some.
    write_v30(out / "v30_image", "image", lengths, square=True)
    for codec in ["h264", "libsvtav1"]:
        name = "v30_av1" if codec == "libsvtav1" else "v30_h264"
        write_v30(out / name, "video", lengths if name == "v30_h264" else [5, 3], codec, choices=True)
        strip(frames(reader(out / name)), out / f"{name}.png")
    write_v2(out / "v21_h264", out / "v30_h264", "v2.1")
    write_v2(out / "v20_jpeg", out / "v30_image", "v2.0", jpeg=True)
    jpegs = [pd.read_parquet(p)[IMAGE] for p in sorted((out / "v20_jpeg/data").glob("*/*.parquet"))]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        decoded = []
        for cell in pd.concat(jpegs):
            (folder / "a.jpg").write_bytes(cell["bytes"])
            decoded.append(np.array(Image.open(folder / "a.jpg")))
        strip(decoded, out / "v20_jpeg.png")
        # The converter reads what was laid out as 2.1: same frames, same numbers.
        converted = convert(out / "v21_h264", folder / "converted", 100)
        same(converted, reader(out / "v30_h264"))
        # Three files, of which the converter's metadata names the wrong ones.
        write_v30(folder / "three", "image", [4, 4, 4])
        write_v2(folder / "three_v21", folder / "three", "v2.1")
        one = (folder / "three_v21/data/chunk-000/episode_000000.parquet")
        size_mb = converter.get_parquet_file_size_in_mb(one)
        same(convert(folder / "three_v21", out / "v30_converted", 1.5 * size_mb), reader(folder / "three"))
    made_by = ", ".join(f"{name} {version(name)}" for name in ["lerobot", "datasets", "pyarrow", "pandas", "av", "pillow"])
    (out / "README.txt").write_text(
        "Data sets of LeRobot's versions 3.0, 2.1 and 2.0, made by tests/parity/data/lerobot.py make.\n"
        f"Libraries: {made_by}.\n"
        "v30_image, v30_h264, v30_av1: written by LeRobot. v30_converted: by its converter from 2.1.\n"
        "v21_h264, v20_jpeg: laid out by the script; v21_h264 was read by LeRobot's converter.\n"
        "The PNG beside a set: the frames that LeRobot (for JPEG, Pillow) reads from it, side by side;\n"
        "v30_h264.png is also what LeRobot reads from v21_h264.\n"
    )


def same(left, right):
    """Compares every row of two sets."""
    assert len(left) == len(right), f"expected {len(right)} rows, got {len(left)}"
    for i in range(len(right)):
        a, b = left[i], right[i]
        assert a["task"] == b["task"], f"row {i}: expected task {b['task']!r}, got {a['task']!r}"
        for name in right.features:
            both_ways.same(a[name], b[name], f"row {i} {name}")


def check(root):
    for path, episodes in both_ways.sets(root):
        dataset = reader(path)
        assert dataset.num_episodes == len(episodes), path
        assert len(dataset) == sum(each.n + 1 for each in episodes), path
        row, off = 0, []
        for wanted in episodes:
            for t in range(wanted.n + 1):
                off += compare(dataset[row], wanted, t, f"{path.name} row {row}")
                row += 1
        check_stats(dataset)
        largest, mean = max(each.max() for each in off), np.mean([each.mean() for each in off])
        # As far off as H.264 makes the edges of the white box.
        most, most_mean = (80, 4) if path.name.endswith("_as_video") else (0, 0)
        assert largest <= most and mean <= most_mean, f"{path}: pictures off by {largest}, {mean} on average"
        print(f"same: {path.name}, {row} rows; pictures off by at most {largest:.0f} of 255, {mean:.2f} on average")


def compare(got, wanted, t, where):
    """Compares a row with step `t`; returns how far off its pictures are.

    The action of the last row leads nowhere: worldsmith repeats the one before, and what ended did so one row earlier.
    """
    off = []
    assert got["task"] == wanted.meta["task"], (where, got["task"], wanted.meta)
    for name, values in wanted.obs.items():
        if values.dtype == np.uint8:
            image = np.round(got[name].numpy() * 255).transpose(1, 2, 0)
            off.append(np.abs(image - values[t]))
        else:
            both_ways.same(np.asarray(got[name]).reshape(values[t].shape), values[t], f"{where} {name}")
    actions = both_ways.with_last(wanted.actions[""])
    both_ways.same(np.asarray(got["action"]).reshape(actions[t].shape), actions[t], f"{where} action")
    if t < wanted.n:
        both_ways.same(np.asarray(got["next.reward"]).reshape(()), wanted.rewards[t], f"{where} next.reward")
    is_end = t + 1 >= wanted.n and wanted.end != "mid"
    assert bool(got["next.done"]) == is_end, f"{where}: expected `next.done` {is_end}"
    is_cut = is_end and wanted.end == "truncated"
    assert bool(got["next.truncated"]) == is_cut, f"{where}: expected `next.truncated` {is_cut}"
    return off


def check_stats(dataset):
    """The statistics are those of the rows, by numpy."""
    for name, feature in dataset.features.items():
        if feature["dtype"] in ["image", "video", "string"]:
            continue
        rows = np.stack([np.asarray(dataset[i][name], np.float64).reshape(feature["shape"]) for i in range(len(dataset))])
        for key, value in [("min", rows.min(0)), ("max", rows.max(0)), ("mean", rows.mean(0)), ("std", rows.std(0))]:
            np.testing.assert_allclose(dataset.meta.stats[name][key].astype(np.float64), value, rtol=1e-6, atol=1e-9)
        assert dataset.meta.stats[name]["count"] == len(dataset)


if __name__ == "__main__":
    both_ways.run(__doc__, make, check)
