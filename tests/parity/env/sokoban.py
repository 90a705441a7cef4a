"""gym-sokoban from injected rooms: moves and rewards.

    pip install --no-deps gym-sokoban==0.0.6 gym==0.26.2
    pip install numpy==2.4.6 gym-notices cloudpickle imageio tqdm requests setuptools==80.9.0

`sokoban.json` holds rollouts: `start`, a room in the usual letters, `actions` (u, d, l, r), and after each a room and what
was gained, in tenths. Rooms are random and mostly cannot be solved; some start one push before the end.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after libraries.

import numpy as np

import both_ways

np.bool8 = np.bool_  # Old gym asks for it.
from gym_sokoban.envs.sokoban_env import SokobanEnv

LETTERS = "# .*$@+"
PUSHES = {"u": 1, "d": 2, "l": 3, "r": 4}


def room(rng, n_boxes):
    """What stays and what moves, as gym-sokoban codes them."""
    fixed = np.where(rng.random((8, 8)) < 0.15, 0, 1)
    fixed[[0, -1]] = 0
    fixed[:, [0, -1]] = 0
    inside = rng.permutation([(y, x) for y in range(1, 7) for x in range(1, 7)])
    goals, boxes, player = inside[:n_boxes], inside[n_boxes - 1 : 2 * n_boxes - 1], inside[2 * n_boxes]
    for y, x in [*goals, *boxes, player]:
        fixed[y, x] = 1
    for y, x in goals:
        fixed[y, x] = 2
    state = fixed.copy()
    for y, x in boxes:
        state[y, x] = 3 if fixed[y, x] == 2 else 4
    state[tuple(player)] = 5
    return fixed, state, player


def last_push(rng):
    """A room that the last push solves: keeper, box and goal in a row."""
    fixed, state, _ = room(rng, 1)
    fixed[1:-1, 1:-1] = 1
    y, x = int(rng.integers(1, 7)), int(rng.integers(2, 6))
    fixed[y, x + 1] = 2
    state = fixed.copy()
    state[y, x], state[y, x - 1] = 4, 5
    return fixed, state, np.array([y, x - 1])


def text(env):
    on_goal = (env.room_state == 5) & (env.room_fixed == 2)
    codes = np.where(on_goal, 6, env.room_state)
    return "\n".join("".join(LETTERS[code] for code in row) for row in codes)


def rollout(seed, n_steps):
    rng = np.random.default_rng(seed)
    n_boxes = int(rng.integers(2, 5))
    solvable = seed % 4 == 0
    env = SokobanEnv((8, 8), 10**6, 1 if solvable else n_boxes, reset=False)
    env.render = lambda mode: None
    env.num_env_steps = 0
    env.room_fixed, env.room_state, env.player_position = last_push(rng) if solvable else room(rng, n_boxes)
    env.boxes_on_target = int((env.room_state == 3).sum())
    start, actions, steps, done = text(env), "", [], False
    while len(steps) < n_steps and not done:
        action = "r" if solvable and not steps else "udlr"[rng.integers(4)]
        _, reward, done, _ = env.step(PUSHES[action])
        actions += action
        steps.append([text(env), round(float(reward) * 10), bool(done)])
    return {"start": start, "actions": actions, "steps": steps}


def make(out, small):
    rollouts = [rollout(seed, 40) for seed in range(12 if small else 6_000)]
    made_with = {package: version(package) for package in ("gym-sokoban", "gym", "numpy")}
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in rollouts)
    (out / "sokoban.json").write_text('{"made_with": %s, "rollouts": [\n%s\n]}\n' % (json.dumps(made_with), lines))


both_ways.fixtures(__doc__, make)
