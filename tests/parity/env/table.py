"""PushT of gym-pusht from injected states: what the tests of worldsmith's own PushT are compared with.

    pip install gym-pusht==0.1.8 "pymunk<7"
    python tests/parity/env/table.py make OUT [--small]

A start is x and y of the pusher, x, y and angle of the block, as `reset_to_state` takes them; actions are whole pixels.

- `rollouts` have, after the start and every step, the five numbers of the state and the coverage, and in `pairs` how many
  pairs of shapes touched in the step: where it is more than one, the order in which Chipmunk's tree visits them counts.
- `pushes` have the number of steps for which the pusher aims across the block from outside, and where that ends.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

import numpy as np

import both_ways

N_PUSH_STEPS = 6


def counting():
    from gym_pusht.envs import PushTEnv

    class Counting(PushTEnv):
        """Counts the pairs of shapes that touch."""

        def _handle_collision(self, arbiter, space, data):
            super()._handle_collision(arbiter, space, data)
            self.pairs.add(tuple(sorted(id(shape) for shape in arbiter.shapes)))

        def reset(self, **kwargs):
            self.pairs = set()
            return super().reset(**kwargs)

        def step(self, action):
            self.pairs = set()
            return super().step(action)

    return Counting()


def wander(rng, obs):
    """Anywhere on the table."""
    return rng.integers(0, 513, 2)


def nudge(rng, obs):
    """Near the block: most steps touch it."""
    return np.clip(np.round(obs[2:4] + rng.uniform(-90, 90, 2)), 0, 512).astype(int)


def still(rng, obs):
    """Far from the block: nothing touches."""
    return rng.integers(0, 120, 2)


def draw_start(rng):
    start = [*rng.integers(50, 450, 2), *rng.integers(100, 400, 2), rng.uniform(-np.pi, np.pi)]
    return [round(float(x), 6) for x in start]


def numbers(obs):
    return [round(float(x), 6) for x in obs]


def rollout(env, rng, policy, n_steps):
    start = draw_start(rng)
    if policy is still:
        start = [*[float(x) for x in rng.integers(50, 120, 2)], 350.0, 330.0, start[4]]
    obs, _ = env.reset(options={"reset_to_state": start})
    actions, steps, pairs = [], [numbers(obs) + [0]], [len(env.pairs)]
    for _ in range(n_steps):
        action = policy(rng, obs)
        obs, _, terminated, _, info = env.step(action.astype(np.float32))
        actions += [int(x) for x in action]
        steps.append(numbers(obs) + [round(float(info["coverage"]), 6)])
        pairs.append(len(env.pairs))
        if terminated:
            break
    return {"policy": policy.__name__, "start": start, "actions": actions, "pairs": pairs, "steps": steps}


def push(env, rng):
    """From outside, a distance away, towards a point of the block and as far beyond."""
    while True:
        start = draw_start(rng)
        obs, _ = env.reset(options={"reset_to_state": start})
        middle = np.array(env.block.local_to_world(env.block.center_of_gravity))
        way = rng.uniform(-np.pi, np.pi)
        way = np.array([np.cos(way), np.sin(way)])
        start[:2] = [round(float(x), 6) for x in middle - way * rng.uniform(110, 160)]
        if not all(40 <= x <= 472 for x in [*start[:2], *middle]):
            continue
        obs, _ = env.reset(options={"reset_to_state": start})
        aim = np.round(middle + way * rng.uniform(-40, 60) + rng.uniform(-40, 40, 2)).astype(int)
        pairs = 0
        for _ in range(N_PUSH_STEPS):
            after, *_ = env.step(aim.astype(np.float32))
            pairs = max(pairs, len(env.pairs))
        if pairs:
            return {"start": start, "aim": [int(x) for x in aim], "pairs": pairs, "from": numbers(obs), "to": numbers(after)}


def make(out, small):
    env, rng = counting(), np.random.default_rng(0)
    n, n_steps, n_pushes = (2, 40, 120) if small else (60, 100, 3000)
    rollouts = [rollout(env, rng, policy, n_steps) for policy in (still, nudge, nudge, wander) for _ in range(n)]
    pushes = [push(env, rng) for _ in range(n_pushes)]
    made_with = {name: version(name) for name in ("gym-pusht", "pymunk", "numpy")}
    lines = lambda all: ",\n".join(json.dumps(each, separators=(",", ":")) for each in all)
    text = '{"made_with": %s, "n_push_steps": %d, "rollouts": [\n%s\n], "pushes": [\n%s\n]}\n'
    (out / "pusht.json").write_text(text % (json.dumps(made_with), N_PUSH_STEPS, lines(rollouts), lines(pushes)))


both_ways.fixtures(__doc__, make)
