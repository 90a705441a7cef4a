"""Writes ../fixtures/bridge.json: CartPole-v1 from a seed, always pushed right, as the bridge must show it.

    pip install gymnasium==1.4.0
    python bridge.py > ../fixtures/bridge.json
"""
import json
from importlib.metadata import version

import gymnasium

SEED = 12345
env = gymnasium.make("CartPole-v1")
obs, _ = env.reset(seed=SEED)
seen = [obs.tolist()]
for _ in range(8):
    seen.append(env.step(1)[0].tolist())
print(json.dumps({"made_with": {"gymnasium": version("gymnasium")}, "seed": SEED, "obs": seen}))
