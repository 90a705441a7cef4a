"""What the scripts in `data/` share: their commands, and what worldsmith's tests leave for them.

    python tests/parity/data/NAME.py make OUT     # the library writes the fixtures of NAME into the folder OUT
    python tests/parity/data/NAME.py check DIR    # the library opens what worldsmith wrote into DIR, and compares

`cargo xtask parity data` installs the libraries and runs both: the Rust tests on what was made just now, and `check` on
what those tests leave in cargo's folder for them. Beside every set there stands `<set>.json`, what was put in.
`check` ends with an error at the first difference.
"""

import argparse
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np


def run(doc, make, check=None):
    """The command line of a script. Without `check` worldsmith writes nothing that the library could open."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["make", "check"] if check else ["make"])
    parser.add_argument("dir", type=Path)
    args = parser.parse_args()
    if args.command == "make":
        args.dir.mkdir(parents=True, exist_ok=True)
        make(args.dir)
    else:
        check(args.dir)


def fixtures(doc, make):
    """The command line of a script that only writes fixtures: `make OUT [--small]`; `--small` for those checked in."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["make"])
    parser.add_argument("dir", type=Path)
    parser.add_argument("--small", action="store_true", help="as few steps as are checked in")
    args = parser.parse_args()
    args.dir.mkdir(parents=True, exist_ok=True)
    make(args.dir, args.small)


def sets(root):
    """Path and episodes of each set in `root`: `obs` and `actions` (columns by name), `rewards`, `end` and `meta`."""
    found = sorted(root.glob("*.json"))
    assert found, f"expected sets that worldsmith's tests left here, got none: {root}"
    for about in found:
        yield about.with_suffix(""), [episode(each) for each in json.loads(about.read_text())["episodes"]]


def episode(described):
    columns = {part: {name: column(each) for name, each in described[part].items()} for part in ["obs", "actions"]}
    rewards = np.array(described["rewards"], np.float32)
    return SimpleNamespace(**columns, rewards=rewards, n=len(rewards), end=described["end"], meta=described["meta"])


def column(described):
    if "text" in described:
        return described["text"]
    if "hex" in described:
        return np.frombuffer(bytes.fromhex(described["hex"]), np.uint8).reshape(described["shape"])
    return np.array(described["data"], np.float32).reshape(described["shape"])


def joined(episodes, column_of):
    """One column of all episodes, after one another."""
    return np.concatenate([np.asarray(column_of(each)) for each in episodes])


def with_last(actions):
    """An action for the last observation too, where a format has as many of both: the one before it, or zeros."""
    last = actions[-1:] if len(actions) else np.zeros((1, *actions.shape[1:]), actions.dtype)
    return np.concatenate([actions, last])


def flags(episode, kind, n_rows):
    """Whether the episode ended so, in the row of its last step."""
    return np.array([row + 1 == max(episode.n, 1) and episode.end == kind for row in range(n_rows)])


def same(got, wanted, where, most_off=0):
    """Compares two arrays or lists of texts; `most_off`: how far apart numbers may be."""
    if isinstance(wanted, list):
        assert list(got) == wanted, f"{where}: expected {wanted}, got {list(got)}"
        return
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape, f"{where}: expected shape {wanted.shape}, got {got.shape}"
    if most_off:
        off = np.abs(got.astype(np.float64) - wanted).max(initial=0)
        assert off <= most_off, f"{where}: off by {off}"
    else:
        equal = np.array_equal(got.astype(np.float64), wanted.astype(np.float64), equal_nan=True)
        assert equal, f"{where}: expected {wanted}, got {got}"
