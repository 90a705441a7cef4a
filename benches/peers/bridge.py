"""What the bridge to Gymnasium costs: its environments in their own Python loop and through the bridge, in turns.

    pip install gymnasium==1.4.0 ale-py==0.12.1 minigrid==3.2.0
    cargo bench -p worldsmith-env --bench bridge --no-run   # prints the path of the program
    python benches/peers/bridge.py <that program> [--rounds 7] [--json out.json]

A loop of Python has its environment without the checker that Gymnasium adds, takes actions that were drawn beforehand, the
choices in turn, and does nothing with what it gets; both sides count resets as steps and reset with the same seed. What the bridge adds to a step is the difference of the
times of a step, within a round. Pools are compared with one environment behind the bridge.
"""

import json
import os
import statistics
import sys

os.environ.setdefault("WORLDSMITH_PYTHON", sys.executable)

import turns

STEPS_A_CALL = 64
# Through the bridge, and alone: how much a step may take longer, in microseconds or as a part of its own time.
STATES = [
    ("gym:CartPole-v1", "CartPole-v1", {}), ("gym:Pendulum-v1", "Pendulum-v1", {}),
    ("gym:Acrobot-v1", "Acrobot-v1", {}), ("gym:FrozenLake-v1", "FrozenLake-v1", {}),
]
PIXELS = [(f"gym:ALE/{game}-v5?size=native", f"ALE/{game}-v5", {}) for game in ("Pong", "Breakout")]
POOLS = [
    ("gym:CartPole-v1", 2), ("gym:CartPole-v1?envs_per_worker=256", 256),
    ("gym:CartPole-v1?envs_per_worker=128", 256),
    ("gym:CartPole-v1?vector=true", 256), ("gym:ALE/Pong-v5?size=84", 1), ("gym:ALE/Pong-v5?size=84", 2),
    ("gym:ALE/Pong-v5?size=84&envs_per_worker=8", 8), ("gym:ALE/Pong-v5?size=84&envs_per_worker=4", 8), ("gym:ALE/Pong-v5?size=84&vector=true", 8),
]


def loop(env_id, kwargs):
    import gymnasium

    if env_id.startswith("ALE/"):
        import ale_py

        gymnasium.register_envs(ale_py)
    env = gymnasium.make(env_id, disable_env_checker=True, **kwargs)
    space = env.action_space
    space.seed(1)
    actions = [i % int(space.n) if hasattr(space, "n") else space.sample() for i in range(STEPS_A_CALL)]
    over = True

    def steps():
        nonlocal over
        for action in actions:
            if over:
                env.reset(seed=1)
                over = False
            else:
                _, _, terminated, truncated, _ = env.step(action)
                over = terminated or truncated

    return steps


def main():
    args = turns.arguments(__doc__)
    ours, rates = turns.Ours(args.bench, "--serve"), {}
    loops = {env_id: loop(env_id, kwargs) for _, env_id, kwargs in STATES + PIXELS}
    singles = dict.fromkeys(base for base, _ in POOLS)
    for round_idx in range(args.rounds):
        for ours_id, env_id, _ in STATES + PIXELS:
            pair = turns.rate(loops[env_id], args.seconds, STEPS_A_CALL), ours.ask(f"{ours_id}, single")
            rates.setdefault(ours_id, []).append(pair)
        for base in singles:
            singles[base] = ours.ask(f"{base.replace('vector=true', '').rstrip('?&')}, single")
        for base, n in POOLS:
            pair = singles[base], ours.ask(f"{base}, pool of {n}")
            rates.setdefault(f"{base}, pool of {n}", []).append(pair)
        print(f"round {round_idx + 1} of {args.rounds}", file=sys.stderr)
    ours.close()
    report(rates, args)


def report(rates, args):
    load = f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
    print(f"steps a second, medians of {args.rounds} rounds; {load}")
    for name, got in rates.items():
        a, b = (statistics.median(column) for column in zip(*got))
        if "pool" in name:
            print(f"  {name:48} {b:9.0f}  single {a:9.0f}  ratio {statistics.median(y / x for x, y in got):6.2f}")
            continue
        added = sorted((1 / y - 1 / x) * 1e6 for x, y in got)
        part = statistics.median(x / y - 1 for x, y in got)
        spread = f"({added[0]:.1f} .. {added[-1]:.1f})"
        print(f"  {name:48} {b:9.0f}  alone  {a:9.0f}  adds {statistics.median(added):6.1f} us {spread}, {part:.1%}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(rates, file, indent=1)


if __name__ == "__main__":
    main()
