"""Rollouts of Gymnasium-Robotics' PointMaze from injected states.

    pip install gymnasium-robotics==1.4.2 mujoco==4.0.0 numpy==2.4.6
    python tests/parity/env/point_maze.py make OUT [--small]

`rollouts.json`: each has its maze, whether rewards are dense, the place and velocity it starts from, the goal, pushes with
the number of steps that they last, and of every fifth step the place, the velocity and the reward.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after worlds.

import gymnasium
import gymnasium_robotics
import numpy as np

import both_ways

gymnasium.register_envs(gymnasium_robotics)

MAZES = {"umaze": "UMaze", "medium": "Medium", "large": "Large", "open": "Open"}
N_STEPS = 100
EVERY = 5


def rollout(env, seed, rng):
    env.reset(seed=seed)
    place = env.point_env.data.qpos.copy()
    # Faster than counts, so that speeds are cut.
    env.point_env.set_state(place, rng.uniform(-6, 6, 2))
    start = [*place, *env.point_env.data.qvel]
    pushes, states = [], []
    while sum(n for _, _, n in pushes) < N_STEPS:
        # So many steps that walls are met, and now and then the strongest push into a corner.
        push = rng.integers(-64, 65, 2) / 64 if rng.random() < 0.8 else rng.choice([-1.0, 1.0], 2)
        pushes.append([*push.tolist(), int(min(rng.integers(1, 16), N_STEPS - sum(n for _, _, n in pushes)))])
    steps = [push for *push, n in pushes for _ in range(n)]
    for t, push in enumerate(steps, 1):
        _, reward, _, _, _ = env.step(np.array(push, np.float32))
        if t % EVERY == 0:
            data = env.point_env.data
            states.append([round(float(x), 11) for x in (*data.qpos, *data.qvel, reward)])
    return {
        "start": [float(x) for x in start], "goal": [float(x) for x in env.goal], "pushes": pushes, "states": states,
    }


def make(out, small):
    rollouts = []
    for i, (maze, theirs) in enumerate(MAZES.items()):
        for dense in (False, True):
            env = gymnasium.make(f"PointMaze_{theirs}{'Dense' if dense else ''}-v3").unwrapped
            rng = np.random.default_rng(2 * i + dense)
            for seed in range(4 if small else 130):
                rollouts.append({"maze": maze, "dense": dense, **rollout(env, seed, rng)})
    about = {each: version(each) for each in ("gymnasium-robotics", "mujoco", "gymnasium", "numpy")}
    text = json.dumps({"made_with": about, "rollouts": rollouts}, separators=(",", ":"))
    (out / "rollouts.json").write_text(text.replace('{"maze"', '\n{"maze"') + "\n")


if __name__ == "__main__":
    both_ways.fixtures(__doc__, make)
