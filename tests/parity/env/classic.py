"""Rollouts of Gymnasium's classic control from injected states, one file a world.

    python tests/parity/env/classic.py make OUT [--small]

A rollout has the arguments of the environment (`kwargs`), the state it starts from, its actions, the state after each of
them, the rewards, what is seen at last, and whether it ended. States are the environments' own, before they are rounded
for observations.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after worlds.

import gymnasium
import numpy as np

import both_ways

N_STEPS = 200


def rollout(env_id, start, policy, kwargs):
    env = gymnasium.make(env_id, **kwargs).unwrapped
    env.reset(seed=0)
    env.state = start
    actions, states, rewards, ended = [], [], [], False
    while len(actions) < N_STEPS and not ended:
        action = policy(np.asarray(env.state, np.float64))
        obs, reward, ended, _, _ = env.step(action)
        actions.append(np.asarray(action).ravel().tolist()[0])
        states.append([float(x) for x in env.state])
        rewards.append(float(reward))
    return {
        "kwargs": kwargs, "start": [float(x) for x in start], "actions": actions, "states": states, "rewards": rewards,
        "obs": [float(x) for x in obs], "ended": bool(ended),
    }


def choices(n, clever, skill, rng):
    """With chance `skill` what `clever` says, otherwise anything."""
    return lambda state: int(clever(state)) if rng.random() < skill else int(rng.integers(n))


def numbers(most, clever, skill, rng):
    def policy(state):
        action = clever(state) if rng.random() < skill else rng.uniform(-most, most)
        return np.array([np.clip(action, -most, most)], np.float32)

    return policy


def balance(state):
    return state @ [0.1, 0.3, 3.0, 1.0] > 0


def swing_up(state):
    angle, speed = (state[0] + np.pi) % (2 * np.pi) - np.pi, state[1]
    surplus = speed**2 / 2 + 15 * (np.cos(angle) - 1)
    return -10 * angle - 3 * speed if abs(angle) < 0.4 else -surplus * np.sign(speed)


def along(state):
    return np.sign(state[1])


# For each world: id, policy, half widths around the middle from where it starts, type of its state, arguments, and from
# which players: chances that they do what is clever.
WORLDS = {
    "cartpole": (
        "CartPole-v1", lambda skill, rng: choices(2, balance, skill, rng), ([0] * 4, [2.3, 1.5, 0.2, 1.5]), np.float64,
        [{}, {"sutton_barto_reward": True}],
    ),
    "pendulum": (
        "Pendulum-v1", lambda skill, rng: numbers(2, swing_up, skill, rng), ([0, 0], [np.pi, 8]), np.float64,
        [{}, {"g": 12.5}],
    ),
    "mountain_car": (
        "MountainCar-v0", lambda skill, rng: choices(3, lambda state: along(state) + 1, skill, rng),
        ([-0.35, 0], [0.8, 0.07]), np.float64, [{}, {"goal_velocity": 0.03}],
    ),
    "mountain_car_continuous": (
        "MountainCarContinuous-v0", lambda skill, rng: numbers(1, along, skill, rng),
        ([-0.4, 0], [0.8, 0.07]), np.float32, [{}, {"goal_velocity": 0.03}],
    ),
    "acrobot": (
        "Acrobot-v1", lambda skill, rng: choices(3, lambda state: np.sign(state[3]) + 1, skill, rng),
        ([0] * 4, [1.2, 1.2, 1.0, 1.0]), np.float64, [{}],
    ),
}


def make(out, small):
    made_with = {name: version(name) for name in ("gymnasium", "numpy")}
    for name, (env_id, policy, (middle, reach), dtype, variants) in WORLDS.items():
        rng = np.random.default_rng(0)
        rollouts = []
        for idx in range(4 if small else 256):
            # Every other one starts near the middle, so that it lasts.
            start = rng.uniform(-1, 1, len(middle)) * reach * (1.0 if idx % 2 else 0.05) + middle
            skill = [1.0, 0.0, 0.8][idx % 3]
            rollouts.append(rollout(env_id, start.astype(dtype), policy(skill, rng), variants[idx // 2 % len(variants)]))
        rows = ",\n".join(json.dumps(each, separators=(",", ":")) for each in rollouts)
        text = f'{{"made_with": {json.dumps(made_with)}, "rollouts": [\n{rows}\n]}}\n'
        (out / f"{name}.json").write_text(text)
        n_steps, n_ended = sum(len(each["actions"]) for each in rollouts), sum(each["ended"] for each in rollouts)
        print(f"{name}: {n_steps} steps, {n_ended} of {len(rollouts)} rollouts ended")


if __name__ == "__main__":
    both_ways.fixtures(__doc__, make)
