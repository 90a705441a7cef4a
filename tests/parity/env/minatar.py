"""MinAtar's own games, as episodes that ours must go through cell by cell.

Breakout: a state is [paddle, ball x, ball y, trail x, trail y, bricks as bits (row by row, first is lowest), reward,
terminal].
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

import numpy as np
from minatar import Environment

import both_ways

PUSH = {"n": 0, "l": 1, "r": 3}


def state(env, reward, terminal):
    planes = env.state()
    (ball_y, ball_x), (trail_y, trail_x) = (np.argwhere(planes[..., c])[0].tolist() for c in (1, 2))
    paddle = int(np.argmax(planes[9, :, 0]))
    bits = sum(1 << i for i, stands in enumerate(planes[1:4, :, 3].ravel()) if stands)
    return [paddle, ball_x, ball_y, trail_x, trail_y, bits, int(reward), int(terminal)]


def episode(seed, skill, max_steps):
    """A player who, with chance `skill`, moves to where the ball will be."""
    env = Environment("breakout", sticky_action_prob=0.0)
    env.seed(seed)
    env.reset()
    rng = np.random.default_rng(seed)
    states, actions = [state(env, 0, False)], ""
    while len(actions) < max_steps and not states[-1][-1]:
        game = env.env
        goal = game.ball_x + (1 if game.ball_dir in (1, 2) else -1) * int(game.ball_y == 8 and rng.random() < 0.5)
        if rng.random() < skill:
            action = "l" if goal < game.pos else "r" if goal > game.pos else "n"
        else:
            action = "nlr"[rng.integers(3)]
        reward, terminal = env.act(PUSH[action])
        actions += action
        states.append(state(env, reward, terminal))
    return {"seed": seed, "actions": actions, "states": states}


def make(out, small):
    plans = [(seed, 0.0, 200) for seed in range(6)] + [(seed, 0.8, 200) for seed in range(6, 10)] + [(10, 1.0, 1500)]
    if not small:
        plans += [(seed, seed % 4 / 3, 1500) for seed in range(11, 211)]
    episodes = [episode(*plan) for plan in plans]
    made_with = {name: version(name) for name in ("minatar", "numpy")}
    lines = ",\n".join(json.dumps(e, separators=(",", ":")) for e in episodes)
    text = '{"made_with": %s, "episodes": [\n%s\n]}\n' % (json.dumps(made_with), lines)
    (out / "breakout.json").write_text(text)


both_ways.fixtures(__doc__, make)
