"""Gymnasium's own environments, wrappers and vector environments, as the bridge must show them.

    pip install gymnasium==1.4.0 ale-py==0.12.1 opencv-python-headless==5.0.0.93
    python bridge.py make DIR      # writes DIR/*.json, as checked in under crates/env/tests/fixtures/bridge

Each case is an id of the bridge, the same made of Gymnasium's parts, and what is seen of it from a seed under a fixed pattern
of actions. A picture of several frames has them in its channels there, so they are put there here.
"""
import json
import sys
from importlib.metadata import version
from pathlib import Path

import ale_py
import gymnasium
import numpy as np
from gymnasium import wrappers

gymnasium.register_envs(ale_py)

SEED = 12345
# What the pool of three environments that starts from seed 0 gives its workers.
VECTOR_SEED = 1263975564


def frames_in_channels(env):
    """The frames of FrameStackObservation, oldest first, as channels of one picture."""
    n, height, width, channels = env.observation_space.shape
    space = gymnasium.spaces.Box(0, 255, (height, width, n * channels), np.uint8)
    return wrappers.TransformObservation(env, lambda obs: np.concatenate(list(obs), axis=-1), space)


def cases():
    make = gymnasium.make
    yield "gym:CartPole-v1", make("CartPole-v1"), 8
    yield "gym:CartPole-v1?max_steps=5", make("CartPole-v1", max_episode_steps=5), 8
    yield (
        "gym:CartPole-v1?frame_skip=3&sticky=0.4&max_steps=20",
        wrappers.RepeatAction(wrappers.StickyAction(make("CartPole-v1", max_episode_steps=20), 0.4), 3), 8,
    )
    yield (
        "gym:Pendulum-v1?clip_reward=true&frame_stack=3",
        wrappers.FrameStackObservation(wrappers.ClipReward(make("Pendulum-v1"), -1.0, 1.0), 3), 8,
    )
    pac_man = lambda **kwargs: make("ALE/MsPacman-v5", **kwargs)
    grey = lambda env: wrappers.GrayscaleObservation(env, keep_dim=True)
    resize = wrappers.ResizeObservation
    # Whole numbers of pixels, fractions of them, and larger than it was.
    yield "gym:ALE/MsPacman-v5?size=21x16", resize(pac_man(), (21, 16)), 3
    yield "gym:ALE/MsPacman-v5?grey=true&size=23x17", resize(grey(pac_man()), (23, 17)), 3
    yield (
        "gym:ALE/MsPacman-v5?size=10x8&frame_stack=4&frame_skip=2&sticky=0.5",
        frames_in_channels(wrappers.FrameStackObservation(
            resize(pac_man(frameskip=2, repeat_action_probability=0.5), (10, 8)), 4
        )), 5,
    )
    yield (
        "gym:ALE/MsPacman-v5?size=21x16&max_pool=true&frame_skip=4&sticky=0",
        resize(wrappers.MaxAndSkipObservation(pac_man(frameskip=1, repeat_action_probability=0.0), 4), (21, 16)), 3,
    )


def played(env, n_steps):
    obs, _ = env.reset(seed=SEED)
    seen, rewards, ends = [obs], [0.0], [0]
    for t in range(n_steps):
        space = env.action_space
        action = t * 7 % int(space.n) if hasattr(space, "n") else np.full(space.shape, (t % 3 - 1) / 2, np.float32)
        obs, reward, terminated, truncated, _ = env.step(action)
        seen.append(obs)
        rewards.append(float(reward))
        ends.append(1 if terminated else 2 if truncated else 0)
        if ends[-1]:
            break
    return {"obs": [np.ravel(obs).tolist() for obs in seen], "rewards": rewards, "ends": ends}


def vector():
    """CartPole's own vector environment until every environment has started anew, never all at once: then it is seeded again."""
    envs = gymnasium.make_vec("CartPole-v1", 3, vectorization_mode="vector_entry_point")
    obs, _ = envs.reset(seed=VECTOR_SEED)
    turns = [{"obs": obs.tolist(), "rewards": [0.0] * 3, "ends": [0] * 3}]
    for t in range(40):
        obs, rewards, terminated, truncated, _ = envs.step(np.array([1, 0, t // 2 % 2]))
        ends = np.where(terminated, 1, np.where(truncated, 2, 0))
        turns.append({"obs": obs.tolist(), "rewards": rewards.tolist(), "ends": ends.tolist()})
    return {"id": "gym:CartPole-v1?vector=true", "seed": VECTOR_SEED, "turns": turns}


def main():
    _, what, folder = sys.argv
    assert what == "make", what
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = ("gymnasium", "ale-py", "opencv-python-headless", "numpy")
    single = {
        "made_with": {name: version(name) for name in names},
        "seed": SEED,
        "cases": [{"id": name, **played(env, n)} for name, env, n in cases()],
    }
    for name, made in [("wrappers", single), ("vector", vector())]:
        (folder / f"{name}.json").write_text(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
