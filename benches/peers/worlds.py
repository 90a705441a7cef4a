"""Built-in worlds beside the packages that they equal, in turns on one machine.

    pip install gymnasium==1.4.0 envpool==1.2.5 minigrid==3.2.0 crafter==1.8.3 gym-pusht==0.1.8 minatar==1.0.15
    cargo bench -p worldsmith-env --bench worlds --no-run   # prints the path of the program
    python benches/peers/worlds.py <that program> [--rounds 7] [--json out.json]

Each package is optional: one that is not there is named and left out, and so is a world that is not. All take random actions
that were drawn beforehand; an episode that ends is followed by the next. `N threads` and `vector` are batches of 256
environments; `single` is one environment. Steps are counted, resets included.
"""

import os
import sys
import warnings

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
warnings.filterwarnings("ignore")

import numpy as np

import turns

N_ENVS = 256  # Also the number of steps that a call of a single environment takes.
N_TURNS = 64


def gymnasium_vector(env_id):
    import gymnasium

    envs = gymnasium.make_vec(env_id, N_ENVS, vectorization_mode="vector_entry_point")
    return vector(envs, np.random.default_rng(0).integers(0, envs.single_action_space.n, (N_TURNS, N_ENVS)))


def envpool_vector(env_id, n_threads):
    import envpool

    envs = envpool.make(env_id, env_type="gymnasium", num_envs=N_ENVS, num_threads=n_threads)
    rng, space = np.random.default_rng(0), envs.action_space
    if hasattr(space, "n"):
        actions = rng.integers(0, space.n, (N_TURNS, N_ENVS)).astype(np.int32)
    else:
        actions = rng.uniform(space.low, space.high, (N_TURNS, N_ENVS, *space.shape)).astype(np.float32)
    return vector(envs, actions)


def vector(envs, actions):
    envs.reset(seed=0) if hasattr(envs, "single_action_space") else envs.reset()
    n_turns = 0

    def step():
        nonlocal n_turns
        envs.step(actions[n_turns % N_TURNS])
        n_turns += 1

    return step


def single(actions, step, reset):
    """`step` takes an action and says whether the episode is over."""
    reset()

    def steps():
        for t in range(N_ENVS):
            if step(actions[t % N_TURNS]):
                reset()

    return steps


def gymnasium_single(env_id, package=None, wrap=lambda env: env, **kwargs):
    import importlib

    import gymnasium

    if package:
        importlib.import_module(package)
    env = wrap(gymnasium.make(env_id, **kwargs))

    def step(action):
        _, _, terminated, truncated, _ = env.step(action)
        return terminated or truncated

    return single([env.action_space.sample() for _ in range(N_TURNS)], step, env.reset)


def minigrid_pictures():
    from minigrid.wrappers import RGBImgPartialObsWrapper

    return gymnasium_single("MiniGrid-DoorKey-8x8-v0", "minigrid", lambda env: RGBImgPartialObsWrapper(env, 8))


def crafter():
    import crafter

    env = crafter.Env()
    actions = np.random.default_rng(0).integers(0, env.action_space.n, N_TURNS)
    return single(actions, lambda action: env.step(action)[2], env.reset)


def minatar(game):
    from minatar import Environment

    env = Environment(game)
    actions = np.random.default_rng(0).integers(0, env.num_actions(), N_TURNS)

    def step(action):
        _, over = env.act(int(action))
        env.state()
        return over

    return single(actions, step, env.reset)


# A peer, how it is made, and the cases of ours that do the same.
PAIRS = [
    ("Gymnasium CartPole-v1, vector", lambda: gymnasium_vector("CartPole-v1"), ["cartpole, 1 thread"]),
    *(
        (f"EnvPool {theirs}, {threads}", lambda theirs=theirs, n=n: envpool_vector(theirs, n), [f"{ours}, {threads}"])
        for theirs, ours in [("CartPole-v1", "cartpole"), ("Pendulum-v1", "pendulum")]
        for n, threads in [(1, "1 thread"), (2, "2 threads")]
    ),
    *(
        (f"Gymnasium {theirs}, single", lambda theirs=theirs: gymnasium_single(theirs), [f"{ours}, single"])
        for theirs, ours in [
            ("CartPole-v1", "cartpole"), ("Pendulum-v1", "pendulum"), ("MountainCar-v0", "mountain_car"),
            ("MountainCarContinuous-v0", "mountain_car_continuous"), ("Acrobot-v1", "acrobot"),
            ("FrozenLake-v1", "frozen_lake"), ("CliffWalking-v1", "cliff_walking"), ("Taxi-v4", "taxi"),
        ]
    ),
    *(
        (peer, make, [f"{ours}, single", f"{ours}, 1 thread"])
        for peer, make, ours in [
            (
                "minigrid DoorKey-8x8, state",
                lambda: gymnasium_single("MiniGrid-DoorKey-8x8-v0", "minigrid"),
                "minigrid/doorkey?obs=symbols+direction+mission",
            ),
            ("minigrid DoorKey-8x8, 56x56", minigrid_pictures, "minigrid/doorkey?obs=pixels&size=56"),
            ("crafter, 64x64", crafter, "crafter?obs=pixels"),
            (
                "gym-pusht, state",
                lambda: gymnasium_single("gym_pusht/PushT-v0", "gym_pusht", obs_type="state"), "pusht?obs=state",
            ),
            (
                "gym-pusht, 96x96",
                lambda: gymnasium_single("gym_pusht/PushT-v0", "gym_pusht", obs_type="pixels"),
                "pusht?obs=pixels&size=96",
            ),
            ("MinAtar breakout", lambda: minatar("breakout"), "breakout?obs=planes"),
            ("MinAtar asterix", lambda: minatar("asterix"), "asterix?obs=planes"),
            ("MinAtar freeway", lambda: minatar("freeway"), "freeway?obs=planes"),
            ("MinAtar seaquest", lambda: minatar("seaquest"), "seaquest?obs=planes"),
            ("MinAtar space_invaders", lambda: minatar("space_invaders"), "space_invaders?obs=planes"),
        ]
    ),
]


def main():
    args = turns.arguments(__doc__)
    ours = turns.Ours(args.bench, "--serve")
    peers, pairs = {}, []
    for name, make, cases in PAIRS:
        here = [case for case in cases if not np.isnan(ours.ask(case))]
        if not here:
            print(f"left out, {name}: no `{cases[0]}` here", file=sys.stderr)
            continue
        try:
            peers[name] = make()
        except Exception as err:  # Whatever keeps a package from running, the others are measured.
            print(f"left out, {name}: {type(err).__name__}: {err}", file=sys.stderr)
            continue
        pairs += [(case, name) for case in here]
    turns.measure(pairs, peers, ours, args, "steps", work=N_ENVS)


if __name__ == "__main__":
    main()
