"""`.npz` files of others, written by NumPy, and what worldsmith wrote, as NumPy reads it."""

import json
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after libraries.

import numpy as np

import both_ways


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
    for path, episodes in both_ways.sets(root):
        files = sorted(path.glob("*.npz"))
        assert len(files) == len(episodes), (path, len(files), len(episodes))
        for file, wanted in zip(files, episodes):
            with np.load(file, allow_pickle=False) as npz:
                note = json.loads(str(npz["worldsmith"]))
                arrays = {name: npz[name] for name in npz.files if name != "worldsmith"}
            columns = {name or "obs": values for name, values in wanted.obs.items()}
            columns |= {f"action/{name}".rstrip("/"): values for name, values in wanted.actions.items()}
            columns["reward"] = wanted.rewards
            columns |= {kind: both_ways.flags(wanted, kind, wanted.n) for kind in ["terminated", "truncated"]}
            assert (note["end"], note["meta"]) == (wanted.end, wanted.meta), (file, note)
            assert arrays.keys() == columns.keys(), (file, sorted(arrays), sorted(columns))
            for name, values in columns.items():
                both_ways.same(arrays[name], values, f"{file} {name}")
        print("same:", path.name, len(episodes), "episodes of", sorted(columns))


if __name__ == "__main__":
    both_ways.run(__doc__, make, check)
