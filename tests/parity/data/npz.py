"""`.npz` files of others: `make DIR` writes small ones with NumPy, `check DIR` opens what worldsmith wrote with it."""

import argparse
import json
import pathlib

import numpy as np


def dreamer(path, before, rng):
    """Two episodes of 5 and 4 rows; rewards and ends arrive with their row. `before`: the action led to its row."""
    lengths, n_actions = [5, 4], 3
    n = sum(lengths)
    taken = rng.integers(0, n_actions, n)
    action = np.eye(n_actions, dtype=np.float32)[taken]
    first, last, terminal = np.zeros((3, n), bool)
    start = 0
    for length in lengths:
        first[start], last[start + length - 1] = True, True
        # What was never taken is zeros: at the start if actions led to their row, at the end if they came after.
        action[start if before else start + length - 1] = 0
        start += length
    terminal[lengths[0] - 1] = True
    image = np.arange(n * 16 * 16 * 3).reshape(n, 16, 16, 3).astype(np.uint8)
    reward = np.where(first, 0, np.arange(n)).astype(np.float32)
    np.savez_compressed(
        path, image=image, action=action, reward=reward, is_first=first, is_last=last, is_terminal=terminal,
        log_entropy=np.ones(n, np.float32),
    )


def d4rl(path, with_next):
    n = 7
    arrays = dict(
        observations=np.arange(n * 2).reshape(n, 2).astype(np.float64),
        actions=np.linspace(-1, 1, n).reshape(n, 1).astype(np.float32),
        rewards=np.arange(n).astype(np.float32),
        terminals=np.arange(n) == 2,
        timeouts=np.arange(n) == 5,
    )
    arrays["infos/qpos"] = np.zeros((n, 3))
    if with_next:
        arrays["next_observations"] = arrays["observations"] + 2
    np.savez(path, **arrays)


def make(out):
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    dreamer(out / "dreamer_after.npz", False, rng)
    dreamer(out / "dreamer_before.npz", True, rng)
    d4rl(out / "d4rl.npz", False)
    d4rl(out / "d4rl_next.npz", True)
    n = 6
    image = np.full((n, 3, 16, 16), 0.5, np.float32)
    image[:, 1] = np.linspace(0, 1, n)[:, None, None]
    np.savez(
        out / "ends.npz", img=image, state=np.arange(n * 2).reshape(n, 2).astype(">f8"),
        action=np.array([0, 2, 1, 0, 1, 2], np.int16), episode_ends=np.array([4, 6]),
    )
    np.savez(out / "objects.npz", obs=np.array([1, "a", None], object), action=np.zeros(3))
    np.savez(
        out / "single.npz", obs=np.arange(8, dtype=np.float32).reshape(4, 2), action=np.array([1, 0, 1]),
        reward=np.array([0.0, 0.5, 1.0]), terminated=np.array(True),
    )
    (out / "WRITTEN_BY.txt").write_text(f"numpy {np.__version__}, tests/parity/data/npz.py make\n")


def check(root):
    paths = sorted(root.glob("*.npz"))
    assert paths, "no files"
    for path in paths:
        with np.load(path, allow_pickle=False) as npz:
            note = json.loads(str(npz["worldsmith"]))
            arrays = {name: npz[name] for name in npz.files if name != "worldsmith"}
        n = len(arrays["reward"])
        for name, array in arrays.items():
            is_step = name in ("reward", "terminated", "truncated") or name.split("/")[0] == "action"
            assert len(array) == n + (not is_step), (path, name, array.shape, n)
        print(path.name, note["end"], {name: (array.dtype.str, array.shape) for name, array in arrays.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["make", "check"])
    parser.add_argument("dir", type=pathlib.Path)
    args = parser.parse_args()
    (make if args.command == "make" else check)(args.dir)
