"""Minari, both ways: five small data sets that Minari writes, beside each an `expected.json` of what its own reader returns;
and what worldsmith wrote, as Minari reads it. Needs Pillow and imageio beside `minari[create,hdf5,arrow]`."""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after libraries.
os.environ.setdefault("MINARI_DATASETS_PATH", tempfile.mkdtemp())

import minari
import numpy as np
from gymnasium import spaces
from minari.data_collector.episode_buffer import EpisodeBuffer

import both_ways


def leaves(value, name=""):
    """The arrays in an observation or action by name, nested parts joined by `/`."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, f"{name}/{key}" if name else key)
    elif isinstance(value, tuple):
        for i, part in enumerate(value):
            yield from leaves(part, f"{name}/{i}" if name else str(i))
    else:
        yield name, value


def describe(value):
    """An array as JSON: bytes in hex, other numbers as they are, texts as a list."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        return {"text": value}
    array = np.asarray(value)
    if array.dtype == np.uint8:
        return {"shape": list(array.shape), "hex": array.tobytes().hex()}
    return {"shape": list(array.shape), "data": array.astype(float).reshape(-1).tolist()}


def episode(found):
    return {
        "seed": None if getattr(found, "seed", None) is None else int(found.seed),
        "obs": {name: describe(value) for name, value in leaves(found.observations)},
        "actions": {name: describe(value) for name, value in leaves(found.actions)},
        "rewards": np.asarray(found.rewards, float).tolist(),
        "terminations": [bool(x) for x in found.terminations],
        "truncations": [bool(x) for x in found.truncations],
    }


def read(path):
    data = minari.MinariDataset(str(path / "data"))
    seeds = [meta.get("seed") for meta in data.storage.get_episode_metadata(range(data.total_episodes))]
    found = [episode(found) for found in data.iterate_episodes()]
    for one, seed in zip(found, seeds):
        one["seed"] = None if seed is None else int(seed)
    return data, found


def mixed(rng):
    obs = spaces.Dict(
        {
            "bits": spaces.MultiBinary(3),
            "choice": spaces.Discrete(3, start=2),
            "image": spaces.Box(0, 255, (16, 18, 3), np.uint8),
            "pair": spaces.Tuple((spaces.Box(-np.inf, 9.5, (2,), np.float32), spaces.MultiDiscrete([2, 5]))),
            "pose": spaces.Box(-1.0, 1.0, (2, 3), np.float64),
            "words": spaces.Text(20),
        }
    )
    action = spaces.Box(-2.0, 2.0, (2,), np.float32)
    buffers = []
    for seed, (steps, end) in enumerate([(3, "terminated"), (1, "truncated"), (2, "mid")]):
        rows = steps + 1
        buffers.append(
            EpisodeBuffer(
                seed=seed + 40,
                observations={
                    "bits": rng.integers(0, 2, (rows, 3)).astype(np.int8),
                    "choice": rng.integers(2, 5, rows),
                    "image": rng.integers(0, 256, (rows, 16, 18, 3)).astype(np.uint8),
                    "pair": (
                        rng.normal(size=(rows, 2)).astype(np.float32),
                        rng.integers(0, 2, (rows, 2)),
                    ),
                    "pose": rng.uniform(-1, 1, (rows, 2, 3)),
                    "words": [f"step {t} \u00e9" for t in range(rows)],
                },
                actions=rng.uniform(-2, 2, (steps, 2)).astype(np.float32),
                rewards=rng.normal(size=steps),
                terminations=np.array([False] * (steps - 1) + [end == "terminated"]),
                truncations=np.array([False] * (steps - 1) + [end == "truncated"]),
                infos={"speed": rng.normal(size=rows).tolist()},
            )
        )
    return obs, action, buffers


def pictures(rng):
    obs = spaces.Box(0, 255, (32, 40, 3), np.uint8)
    action = spaces.Discrete(4)
    ramp = np.add.outer(np.arange(32) * 3, np.arange(40) * 3)[..., None] * np.array([1.0, 0.6, 0.3])
    buffers = []
    for moving in (0, 1):
        # Minari lays JPEGs of one size out as a matrix and others as a ragged array: the second episode is ragged.
        frames = np.clip(np.stack([ramp, ramp * 0 + 90 if moving else ramp]), 0, 255).astype(np.uint8)
        buffers.append(
            EpisodeBuffer(
                seed=moving,
                observations=frames,
                actions=rng.integers(0, 4, 1),
                rewards=[1.0],
                terminations=[True],
                truncations=[False],
            )
        )
    return obs, action, buffers


def make(out):
    for kind, build in (("mixed", mixed), ("jpeg", pictures)):
        for storage in ("hdf5", "arrow", "parquet") if kind == "mixed" else ("hdf5", "arrow"):
            obs, action, buffers = build(np.random.default_rng(0))
            name = f"{kind}-{storage}-v0"
            minari.create_dataset_from_buffers(
                name,
                buffers,
                observation_space=obs,
                action_space=action,
                algorithm_name="fixture",
                data_format=storage,
                jpeg_encoding=kind == "jpeg",
            )
            target = out / name.removesuffix("-v0")
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(Path(os.environ["MINARI_DATASETS_PATH"]) / name, target)
            _, found = read(target)
            (target / "expected.json").write_text(json.dumps({"episodes": found}))
    (out / "README.txt").write_text(f"Written by tests/parity/data/minari.py with Minari {minari.__version__}.\n")


def check(root):
    for path, episodes in both_ways.sets(root):
        data = minari.MinariDataset(str(path / "data"))
        seeds = [meta.get("seed") for meta in data.storage.get_episode_metadata(range(data.total_episodes))]
        found = list(data.iterate_episodes())
        assert len(found) == len(episodes) == data.total_episodes, path
        for got, wanted, seed in zip(found, episodes, seeds):
            where = f"{path.name} episode {got.id}"
            assert seed == wanted.meta["seed"], (where, seed, wanted.meta)
            compare(dict(leaves(got.observations)), wanted.obs, where)
            compare(dict(leaves(got.actions)), wanted.actions, where)
            both_ways.same(np.asarray(got.rewards, np.float32), wanted.rewards, where)
            for kind, flags in [("terminated", got.terminations), ("truncated", got.truncations)]:
                both_ways.same(flags, both_ways.flags(wanted, kind, wanted.n), f"{where} {kind}")
        print("same:", path.name, data.observation_space, data.action_space)


def compare(got, wanted, where):
    assert got.keys() == wanted.keys(), f"{where}: {sorted(got)} != {sorted(wanted)}"
    for name, values in wanted.items():
        value = got[name] if isinstance(values, list) else np.asarray(got[name])
        both_ways.same(value, values, f"{where} {name}")


if __name__ == "__main__":
    both_ways.run(__doc__, make, check)
