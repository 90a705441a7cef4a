"""Writes ../fixtures/cartpole.json: rollouts of Gymnasium's own CartPole-v1 from injected states.

    pip install gymnasium==1.4.0
    python cartpole.py > ../fixtures/cartpole.json

A step is [x, x_dot, angle, angle_dot, reward, terminated, truncated].
"""
import json
from importlib.metadata import version

import gymnasium
import numpy as np


def rollout(start, policy, max_steps):
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=0)
    env.unwrapped.state = np.array(start, dtype=np.float64)
    actions, steps, obs = "", [], np.array(start)
    while len(actions) < max_steps:
        action = policy(obs)
        obs, reward, terminated, truncated, _ = env.step(action)
        actions += "lr"[action]
        steps.append([float(x) for x in obs] + [reward, int(terminated), int(truncated)])
        if terminated or truncated:
            break
    return {"start": list(start), "actions": actions, "steps": steps}


rng = np.random.default_rng(0)
rollouts = [rollout(rng.uniform(-0.05, 0.05, 4), lambda _: int(rng.integers(2)), 60) for _ in range(4)]
rollouts.append(rollout([2.3, 1.5, 0.0, 0.0], lambda _: 1, 60))
rollouts.append(rollout([-2.3, -1.5, 0.0, 0.0], lambda _: 0, 60))
balance = lambda obs: int(0.1 * obs[0] + 0.3 * obs[1] + 3.0 * obs[2] + 1.0 * obs[3] > 0)
rollouts.append(rollout([0.01, 0.02, -0.03, 0.04], balance, 600))
made_with = {name: version(name) for name in ("gymnasium", "numpy")}
print('{"made_with": %s, "rollouts": [' % json.dumps(made_with))
print(",\n".join(json.dumps(r, separators=(",", ":")) for r in rollouts))
print("]}")
