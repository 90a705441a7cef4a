"""stable-worldmodel's Lance tables: `make DIR` writes some with its own writer, changes some of them with lance, and stores
what its own reader returns; `check DIR` compares each `<name>.lance` with the folder `<name>` of .npz files beside it, which
`worldsmith data convert` or the tests make of it. worldsmith does not write Lance. Needs stable-worldmodel 0.1.1 with
its extra `format`."""

import argparse
import pathlib
import shutil

import numpy as np


def rng(seed):
    return np.random.default_rng(seed)


def episode(idx, n, reset=True):
    """As a `World.collect` that keeps the reset: the last row has no action, the first no reward. LanceDB refuses to append
    such rows; 0.1.1, which drops the reset, has a number everywhere."""
    rows = np.arange(n)
    y, x = np.mgrid[0:24, 0:32]
    pixels = np.stack([np.stack([5 * x + 10 * t, 7 * y, 0 * x + 50 * idx + 20], -1) for t in rows]).clip(0, 255)
    action = rng(idx).normal(size=(n, 2)).astype(np.float32)
    if reset:
        action[-1] = np.nan
    return {
        "pixels": pixels.astype(np.uint8),
        "state": np.stack([rows + 100 * idx, rows / 4, rng(9 + idx).normal(size=n)], -1),
        "variation.hue": np.full(n, 0.25 * idx),
        "action": action,
        "reward": np.where(reset & (rows == 0), np.nan, rows + idx),
        "terminated": (rows == n - 1) & (idx % 2 == 0),
        "truncated": (rows == n - 1) & (idx % 2 == 1),
        "instruction": np.array([f"push block {idx}"] * n),
    }


def choices(idx, n):
    """Whole numbers as actions, of version 0.1.1, which drops the reset: every row has one."""
    return {
        "state": rng(idx).normal(size=(n, 1)),
        "action": rng(5 + idx).integers(0, 3, size=n),
        "reward": np.ones(n),
        "terminated": np.arange(n) == n - 1,
        "instruction": np.array([f"balance pole {idx}"] * n),
    }


def noise(idx, n):
    """Pictures and vectors so large that Lance stores them in other ways."""
    return {
        "pixels": rng(idx).integers(0, 256, size=(n, 176, 180, 3), dtype=np.uint8),
        "lidar": rng(idx).normal(size=(n, 80)),
        "action": rng(idx).normal(size=(n, 1)),
    }


def write(path, episodes, at_once):
    from stable_worldmodel.data.formats.lance import LanceWriter

    # The writer tells pictures by their first row, and arrays have no truth of their own.
    episodes = [{key: list(values) for key, values in data.items()} for data in episodes]
    with LanceWriter(path, mode="overwrite") as sink:
        if at_once:
            sink.write_episodes(iter(episodes))
        else:
            for data in episodes:
                sink.write_episode(data)


def as_version(path, version):
    """Writes the table anew in another version of Lance's files, each of a few rows, so that an episode lies in two."""
    import lance

    table = lance.dataset(str(path)).to_table()
    shutil.rmtree(path)
    lance.write_dataset(table, str(path), data_storage_version=version, max_rows_per_file=7)


def delete(path, where):
    import lance

    lance.dataset(str(path)).delete(where)


def read(path):
    """Episode after episode as the original reader returns them, pictures with channels last."""
    from stable_worldmodel.data.formats.lance import LanceDataset

    reader = LanceDataset(path=path)
    for idx, n in enumerate(reader.lengths):
        got = reader._load_slice(idx, 0, int(n))
        got = {key: np.asarray(value) for key, value in got.items() if not isinstance(value, str)}
        yield {key: value.transpose(0, 2, 3, 1) if value.ndim == 4 else value for key, value in got.items()}


def make(out):
    out.mkdir(parents=True, exist_ok=True)
    sets = {
        "streamed": [episode(idx, n) for idx, n in enumerate([5, 4, 3])],
        "appended": [episode(idx, n, reset=False) for idx, n in enumerate([4, 2, 5])],
        "older": [episode(idx, n) for idx, n in enumerate([5, 4])],
        "deleted": [episode(idx, n) for idx, n in enumerate([3, 4, 6, 4])],
        "choices": [choices(idx, 700 + idx) for idx in range(10)],
        "large": [noise(0, 2)],
        "oldest": [choices(0, 4)],
    }
    for name, episodes in sets.items():
        write(out / f"{name}.lance", episodes, at_once=name != "appended")
    as_version(out / "older.lance", "2.1")
    as_version(out / "oldest.lance", "2.0")
    delete(out / "deleted.lance", "episode_idx = 1 OR (episode_idx = 2 AND step_idx = 3)")
    # More than 5000 rows, which Lance keeps as a bitmap.
    delete(out / "choices.lance", "episode_idx >= 1 AND episode_idx <= 8")
    for name in sets:
        for old in (out / f"{name}.lance" / "_transactions").glob("*"):
            old.unlink()
        if name == "oldest":
            continue
        for idx, got in enumerate(read(out / f"{name}.lance")):
            # What our reader makes of N rows: N observations and N - 1 steps.
            steps = {"action": got["action"][:-1]}
            for key in ["reward", "terminated", "truncated"]:
                if key in got:
                    steps[key] = got[key][1:, 0]
            obs = {key: got[key] for key in ["pixels", "state", "lidar"] if key in got}
            np.savez_compressed(out / f"{name}_expected_{idx}.npz", **obs, **steps)
    (out / "WRITTEN_BY.txt").write_text(
        "stable-worldmodel 0.1.1 with lancedb 0.40.0 and pylance 14.0.2, tests/parity/data/swm_lance.py make;\n"
        "<set>_expected_<idx>.npz is what its own reader returns.\n"
    )


def check(root):
    for path in sorted(root.glob("*.lance")):
        exports = [np.load(file) for file in sorted((root / path.stem).glob("*.npz"))]
        want = list(read(path))
        steps = ["action", "reward", "terminated", "truncated"]
        obs = [key for key in exports[0].files if key not in steps + ["worldsmith"]]
        for key in obs:
            # An observation of one part is called `obs`.
            column = key if key in want[0] else ("pixels" if "pixels" in want[0] else "state")
            got, all_rows = (np.concatenate(rows) for rows in ([e[key] for e in exports], [w[column] for w in want]))
            off = np.abs(got.astype(float) - all_rows.reshape(got.shape))
            print(f"{path.stem}: {len(exports)} episodes, {len(got)} rows of {column}, off by {off.max()}, mean {off.mean()}")
            # Two decoders fill in colours at half resolution in their own ways, most of all in the noise of `large`.
            most = (32 if path.stem == "large" else 8) if column == "pixels" else 0
            assert off.max() <= most and off.mean() < 0.6
        # Episodes may be parted where rows were deleted: the last row of each has no step.
        n_rows = np.cumsum([len(e[obs[0]]) for e in exports])
        for key in steps[:2]:
            if key in want[0]:
                rows = np.concatenate([w[key] for w in want])
                ends, firsts = n_rows - 1, np.concatenate([[0], n_rows[:-1]])
                rows = np.delete(rows, ends if key == "action" else firsts, axis=0)
                got = np.concatenate([e[key] for e in exports])
                np.testing.assert_array_equal(got.reshape(rows.shape), rows)
                print(f"{path.stem}: {len(got)} of {key} equal")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["make", "check"])
    parser.add_argument("dir", type=pathlib.Path)
    args = parser.parse_args()
    (make if args.command == "make" else check)(args.dir)
