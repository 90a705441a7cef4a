"""Tables of transitions of Gymnasium's toy text worlds, whole.

    python tests/parity/env/toy_text.py make OUT [--small]

A table is one row a state. A row has the ways of each action, actions with `;` in between and ways with a blank: index of the
probability, index of the reward, next state, and `!` if it ends the episode. `starts` are the states in which episodes start,
all with the same probability. `fickle`: for every state and action the states that a taxi can come to whose passenger is
about to change the destination, and `~` where that was not used up.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after worlds.

import gymnasium
import numpy as np
from gymnasium.envs.toy_text.frozen_lake import generate_random_map

import both_ways


def table(env):
    """The whole `P` of an environment, and its starts."""
    n_states, n_actions = env.observation_space.n, env.action_space.n
    ways = [[env.P[s][a] for a in range(n_actions)] for s in range(n_states)]
    flat = [way for row in ways for cell in row for way in cell]
    probabilities = sorted({float(p) for p, *_ in flat})
    rewards = sorted({float(reward) for _, _, reward, _ in flat})

    def code(p, following, reward, ended):
        return f"{probabilities.index(float(p))},{rewards.index(float(reward))},{int(following)}{'!' * bool(ended)}"

    rows = [";".join(" ".join(code(*way) for way in cell) for cell in row) for row in ways]
    starts = np.flatnonzero(env.initial_state_distrib)
    assert np.allclose(env.initial_state_distrib[starts], 1 / len(starts))
    return {"probabilities": probabilities, "rewards": rewards, "starts": starts.tolist(), "rows": rows}


def frozen_lake(small):
    rng = np.random.default_rng(0)
    lakes = [dict(map_name="4x4"), dict(map_name="8x8"), dict(desc=["SFHS", "FFFG"])]
    sides = [2, 5] if small else range(2, 17)
    for side in sides:
        for seed in range(1 if small else 8):
            lakes.append(dict(desc=generate_random_map(side, float(rng.uniform(0.7, 0.9)), seed)))
    tables = []
    for lake in lakes:
        for args in [dict(is_slippery=False), dict(), dict(success_rate=0.75)]:
            env = gymnasium.make("FrozenLake-v1", **lake, **args).unwrapped
            rows = [bytes(row).decode() for row in env.desc]
            tables.append({"lake": rows, "kwargs": args, **table(env)})
    return tables


def cliff_walking(small):
    ids = {"false": "CliffWalking-v1", "true": "CliffWalkingSlippery-v1"}
    return [{"slippery": slippery, **table(gymnasium.make(env_id).unwrapped)} for slippery, env_id in ids.items()]


class Fixed:
    """A generator that draws what it is told to."""

    def __init__(self, number, choice):
        self.number, self.nth = number, choice

    def random(self):
        return self.number

    def choice(self, options):
        return options[self.nth]


def fickle(env):
    """Where every action can lead whose passenger is about to change the destination: all draws are tried."""
    rows = []
    for state in range(env.observation_space.n):
        cells = []
        for action in range(env.action_space.n):
            seen = set()
            reached = np.cumsum([way[0] for way in env.P[state][action]]) - 1e-9
            for number in reached:
                for nth in range(3):
                    env.s, env.fickle_step, env.unwrapped._np_random = state, True, Fixed(number, nth)
                    following, *_ = env.step(action)
                    seen.add(f"{following}{'~' * bool(env.fickle_step)}")
            cells.append(" ".join(sorted(seen)))
        rows.append(";".join(cells))
    return rows


def taxi(small):
    tables = []
    for args in [dict(), dict(is_rainy=True), dict(is_rainy=True, rainy_probability=0.6)]:
        env = gymnasium.make("Taxi-v4", fickle_passenger=True, **args).unwrapped
        more = {} if small and args else {"fickle": fickle(env)}
        tables.append({"kwargs": args, **table(env), **more})
    return tables[: 2 if small else None]


def make(out, small):
    made_with = {name: version(name) for name in ("gymnasium", "numpy")}
    for world in [frozen_lake, cliff_walking, taxi]:
        tables = world(small)
        rows = ",\n".join(json.dumps(each, separators=(",", ":")) for each in tables)
        text = f'{{"made_with": {json.dumps(made_with)}, "tables": [\n{rows}\n]}}\n'
        (out / f"{world.__name__}.json").write_text(text)
        print(f"{world.__name__}: {len(tables)} tables, {sum(len(each['rows']) for each in tables)} states")


if __name__ == "__main__":
    both_ways.fixtures(__doc__, make)
