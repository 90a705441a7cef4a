"""Replay sampling of worldsmith beside numpy, flashbax and cpprb, in turns on one machine.

    pip install numpy jax flashbax==0.1.3 cpprb
    cargo bench -p worldsmith-data --bench replay --no-run   # prints the path of the program
    python benches/peers/replay.py <that program> [--rounds 7] [--json out.json]

The shapes are those of `crates/data/benches/replay.rs`; `turns.py` says how it is measured.
"""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np

import turns

N_FRAMES, N_ROWS = 50_000, 1_000_000
B, T, FRAME = 16, 64, (64, 64, 3)


def numpy_cases():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (N_FRAMES, *FRAME), dtype=np.uint8)
    rest = [rng.normal(size=(N_FRAMES, 6)).astype(np.float32)]
    rest += [rng.normal(size=N_FRAMES).astype(np.float32), np.zeros(N_FRAMES, np.uint8)]
    arrays = [frames, *rest]

    def slices():
        starts = rng.integers(0, N_FRAMES - T, B)
        return [np.stack([a[s : s + T] for s in starts]) for a in arrays]

    outs = [np.empty((B, T, *a.shape[1:]), a.dtype) for a in arrays]

    def reused():
        starts = rng.integers(0, N_FRAMES - T, B)
        for out, array in zip(outs, arrays):
            for row, start in zip(out, starts):
                row[...] = array[start : start + T]

    return {"numpy slices, stacked": slices, "numpy slices, reused": reused}


def flashbax_cases():
    import flashbax as fbx
    import jax
    import jax.numpy as jnp

    buffer = fbx.make_trajectory_buffer(
        max_length_time_axis=N_FRAMES,
        min_length_time_axis=T,
        sample_batch_size=B,
        add_batch_size=1,
        sample_sequence_length=T,
        period=1,
    )
    step = {
        "obs": jnp.zeros(FRAME, jnp.uint8),
        "action": jnp.zeros(6),
        "reward": jnp.zeros(()),
        "first": jnp.zeros((), bool),
    }
    state = buffer.init(step)
    add = jax.jit(buffer.add, donate_argnums=0)
    chunk = 1000
    rng = np.random.default_rng(0)
    part = jax.tree.map(lambda x: jnp.asarray(rng.integers(0, 256, (1, chunk, *x.shape)).astype(x.dtype)), step)
    for _ in range(N_FRAMES // chunk):
        state = add(state, part)
    key = [jax.random.PRNGKey(0)]

    def call(sample):
        key[0], now = jax.random.split(key[0])
        jax.block_until_ready(sample(state, now))

    jitted = jax.jit(buffer.sample)
    return {"flashbax, jitted": lambda: call(jitted), "flashbax, not jitted": lambda: call(buffer.sample)}


def cpprb_cases():
    import cpprb

    fields = {"obs": {"shape": 17}, "act": {"shape": 6}, "rew": {}, "next_obs": {"shape": 17}, "done": {}}
    rng = np.random.default_rng(0)
    uniform = cpprb.ReplayBuffer(N_ROWS, fields)
    prioritised = cpprb.PrioritizedReplayBuffer(N_ROWS, fields, alpha=0.6)
    chunk = 10_000
    for _ in range(N_ROWS // chunk):
        obs = rng.normal(size=(chunk, 17))
        row = dict(obs=obs, act=np.zeros((chunk, 6)), rew=np.zeros(chunk), next_obs=obs, done=np.zeros(chunk))
        uniform.add(**row)
        prioritised.add(**row)

    def updated():
        batch = prioritised.sample(256, beta=0.4)
        prioritised.update_priorities(batch["indexes"], rng.random(256))

    return {
        "cpprb uniform": lambda: uniform.sample(256),
        "cpprb prioritised": lambda: prioritised.sample(256, beta=0.4),
        "cpprb prioritised, updated": updated,
    }


def main():
    args = turns.arguments(__doc__)
    ours = turns.Ours(args.bench, "--serve")
    peers = {**numpy_cases(), **flashbax_cases(), **cpprb_cases()}
    # Ours, then whom it is compared with.
    pairs = [
        ("sequences/reused", "sequences/memcpy"),
        ("sequences/reused", "numpy slices, reused"),
        ("sequences/reused", "numpy slices, stacked"),
        ("sequences/reused", "flashbax, jitted"),
        ("sequences/reused", "flashbax, not jitted"),
        ("sequences/fresh", "numpy slices, stacked"),
        ("transitions/uniform/1k", "cpprb uniform"),
        ("transitions/prioritised/1k", "cpprb prioritised"),
        ("transitions/updated/1k", "cpprb prioritised, updated"),
    ]
    picks = ["uniform", "recent", "balanced", "prioritised", "counted"]
    pairs += [(f"{what}/{pick}/100k", f"{what}/{pick}/1k") for what in ["windows", "transitions"] for pick in picks]
    turns.measure(pairs, peers, ours, args, "batches")


if __name__ == "__main__":
    main()
