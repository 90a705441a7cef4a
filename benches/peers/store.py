"""Windows from worldsmith's store beside those of stable-worldmodel's own loaders, in turns on one machine.

    pip install 'stable-worldmodel[env,format]==0.1.1' mujoco==3.17.0 h5py
    cargo bench -p worldsmith-data --bench loaders --no-run   # prints the path of the program
    python benches/peers/store.py <that program> [--rounds 7] [--json out.json]

stable-worldmodel writes the same episodes as Lance and as HDF5; worldsmith imports the HDF5 file. All is in the page cache.
Everyone draws batches of 64 random windows of 16 steps: pictures of 64x64x3, actions and rewards; theirs come from a
`DataLoader`, without workers and with two. Lance keeps pictures as JPEG, which its loader decodes.
"""

import functools
import tempfile
from pathlib import Path

import numpy as np
import turns

BATCH, STEPS = 64, 16
N_EPISODES, LENGTH, SIDE = 256, 101, 64


def episode(idx):
    """A room with a ball and a block that move: smooth colours and sharp edges."""
    rng = np.random.default_rng(idx)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    room = np.stack([60 + 2 * x, 90 + y, 200 - x - y // 2], -1) + rng.integers(-6, 7, (SIDE, SIDE, 3))
    pixels = np.repeat(room[None], LENGTH, 0)
    speed = rng.uniform(-2, 2, (2, 2))
    place = rng.uniform(0, SIDE, (2, 2))
    for t in range(LENGTH):
        (ball_x, ball_y), (left, top) = np.abs((place + t * speed) % (2 * SIDE) - SIDE)
        pixels[t][(x - ball_x) ** 2 + (y - ball_y) ** 2 < 49] = [240, 50, 40]
        pixels[t][(abs(x - left) < 6) & (abs(y - top) < 9)] = [30, 60, 220]
    rows = np.arange(LENGTH)
    return {
        "pixels": list(pixels.clip(0, 255).astype(np.uint8)),
        "action": list(rng.normal(size=(LENGTH, 2)).astype(np.float32)),
        "reward": list(np.where(rows == 0, np.nan, rows).astype(np.float32)[:, None]),
        "step_idx": list(rows),
    }


def write(folder):
    from stable_worldmodel.data.formats.hdf5 import HDF5Writer
    from stable_worldmodel.data.formats.lance import LanceWriter

    with HDF5Writer(folder / "set.h5", mode="overwrite") as sink:
        sink.write_episodes(
            {name: values if name != "reward" else [row[0] for row in values] for name, values in episode(idx).items()}
            for idx in range(N_EPISODES)
        )
    with LanceWriter(folder / "set.lance", mode="overwrite") as sink:
        sink.write_episodes(episode(idx) for idx in range(N_EPISODES))


def loaders(folder):
    """A function that fetches a batch, for each of their readers and numbers of workers."""
    import torch
    from stable_worldmodel.data.formats.hdf5 import HDF5Dataset
    from stable_worldmodel.data.formats.lance import LanceDataset

    cases = {}
    columns = ["pixels", "action", "reward"]
    for name, reader in [("Lance", LanceDataset), ("HDF5", HDF5Dataset)]:
        dataset = reader(path=folder / f"set.{'lance' if name == 'Lance' else 'h5'}", num_steps=STEPS, keys_to_load=columns)
        for workers in [0, 2]:
            sampler = torch.utils.data.RandomSampler(dataset, replacement=True, num_samples=1 << 40)
            loader = torch.utils.data.DataLoader(dataset, batch_size=BATCH, sampler=sampler, num_workers=workers)
            fetch = functools.partial(next, iter(loader))
            fetch.ready = 2 * workers  # What workers fetched while others were measured.
            assert fetch()["pixels"].shape == (BATCH, STEPS, 3, SIDE, SIDE)
            cases[f"{name}, {workers} workers"] = fetch
    return cases


def main():
    args = turns.arguments(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write(folder)
        ours = turns.Ours(args.bench, "--serve", "store", folder / "set.h5", folder / "store")
        peers = loaders(folder)
        pairs = [("store, 1 thread", "memcpy, 1 thread"), ("store, 2 threads", "memcpy, 2 threads")]
        pairs += [("store, 1 thread", peer) for peer in peers]
        pairs += [("store, 2 threads", peer) for peer in peers if "2 workers" in peer]
        turns.measure(pairs, peers, ours, args, "windows", work=BATCH)


if __name__ == "__main__":
    main()
