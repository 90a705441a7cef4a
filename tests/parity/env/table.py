"""PushT of gym-pusht from injected states: what the tests of worldsmith's own PushT are compared with.

    pip install gym-pusht==0.1.8 "pymunk<7"
    python tests/parity/env/table.py make OUT [--small]

Every rollout has its start (x and y of the pusher, x, y and angle of the block, as `reset_to_state` takes them), its actions
(whole pixels) and, after the start and every step, the five numbers of the state and the coverage.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

import numpy as np

import both_ways


def wander(rng, obs):
    """Anywhere on the table."""
    return rng.integers(0, 513, 2)


def nudge(rng, obs):
    """Near the block: most steps touch it."""
    return np.clip(np.round(obs[2:4] + rng.uniform(-90, 90, 2)), 0, 512).astype(int)


def still(rng, obs):
    """Far from the block: nothing touches."""
    return rng.integers(0, 120, 2)


def rollout(env, rng, policy, n_steps):
    start = [*rng.integers(50, 450, 2), *rng.integers(100, 400, 2), rng.uniform(-np.pi, np.pi)]
    if policy is still:
        start = [*rng.integers(50, 120, 2), 350, 330, start[4]]
    start = [round(float(x), 6) for x in start]
    obs, info = env.reset(options={"reset_to_state": start})
    actions, steps = [], [[round(float(x), 6) for x in obs] + [0]]
    for _ in range(n_steps):
        action = policy(rng, obs)
        obs, reward, terminated, _, info = env.step(action.astype(np.float32))
        actions += [int(x) for x in action]
        steps.append([round(float(x), 6) for x in obs] + [round(float(info["coverage"]), 6)])
        if terminated:
            break
    return {"policy": policy.__name__, "start": start, "actions": actions, "steps": steps}


def make(out, small):
    from gym_pusht.envs import PushTEnv

    env, rng = PushTEnv(), np.random.default_rng(0)
    n, n_steps = (2, 40) if small else (60, 100)
    rollouts = [rollout(env, rng, policy, n_steps) for policy in (still, nudge, nudge, wander) for _ in range(n)]
    made_with = {name: version(name) for name in ("gym-pusht", "pymunk", "numpy")}
    text = ",\n".join(json.dumps(each, separators=(",", ":")) for each in rollouts)
    (out / "pusht.json").write_text('{"made_with": %s, "rollouts": [\n%s\n]}\n' % (json.dumps(made_with), text))


both_ways.fixtures(__doc__, make)
