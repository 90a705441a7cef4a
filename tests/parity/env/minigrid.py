"""Episodes and layouts of minigrid's own environments.

    pip install minigrid==3.2.0
    python tests/parity/env/minigrid.py make OUT [--small]

`steps.json`: episodes of random actions, each from a state in worldsmith's own form, half of them with things of all kinds
strewn over the board and the agent somewhere else. A step is a letter for how it ends (`.` goes on, `t` terminated, `c` cut
off), the reward as a 32-bit number where there is one, and a checksum of all that is seen after it.
`layouts.json`: in how many first states a cell holds a kind, the agent looks in a direction, and so on.
"""

import contextlib
import io
import json
import struct
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after packages.

import gymnasium
import minigrid  # noqa: F401 (registers its environments)
import numpy as np
from minigrid.core.world_object import Ball, Box, Door, Floor, Goal, Key, Lava, Wall
from minigrid.wrappers import FullyObsWrapper

import both_ways

# Worldsmith's ids beside the package's.
IDS = {
    "minigrid/empty?cells=5": "MiniGrid-Empty-5x5-v0",
    "minigrid/empty?cells=6": "MiniGrid-Empty-6x6-v0",
    "minigrid/empty?cells=6&random_start=true": "MiniGrid-Empty-Random-6x6-v0",
    "minigrid/empty?cells=8": "MiniGrid-Empty-8x8-v0",
    "minigrid/empty?cells=16": "MiniGrid-Empty-16x16-v0",
    "minigrid/fourrooms": "MiniGrid-FourRooms-v0",
    "minigrid/doorkey?cells=5": "MiniGrid-DoorKey-5x5-v0",
    "minigrid/doorkey?cells=6": "MiniGrid-DoorKey-6x6-v0",
    "minigrid/doorkey?cells=8": "MiniGrid-DoorKey-8x8-v0",
    "minigrid/doorkey?cells=16": "MiniGrid-DoorKey-16x16-v0",
    "minigrid/keycorridor?room=3&rows=1": "MiniGrid-KeyCorridorS3R1-v0",
    "minigrid/keycorridor?room=3&rows=2": "MiniGrid-KeyCorridorS3R2-v0",
    "minigrid/keycorridor?room=3&rows=3": "MiniGrid-KeyCorridorS3R3-v0",
    "minigrid/keycorridor?room=4&rows=3": "MiniGrid-KeyCorridorS4R3-v0",
    "minigrid/keycorridor?room=5&rows=3": "MiniGrid-KeyCorridorS5R3-v0",
    "minigrid/keycorridor?room=6&rows=3": "MiniGrid-KeyCorridorS6R3-v0",
    "minigrid/multiroom?rooms=2&room_max=4": "MiniGrid-MultiRoom-N2-S4-v0",
    "minigrid/multiroom?rooms=4&room_max=5": "MiniGrid-MultiRoom-N4-S5-v1",
    "minigrid/multiroom?rooms=6&room_max=10": "MiniGrid-MultiRoom-N6-v0",
    "minigrid/lavagap?cells=5": "MiniGrid-LavaGapS5-v0",
    "minigrid/lavagap?cells=6": "MiniGrid-LavaGapS6-v0",
    "minigrid/lavagap?cells=7": "MiniGrid-LavaGapS7-v0",
    "minigrid/memory?cells=7": "MiniGrid-MemoryS7-v0",
    "minigrid/memory?cells=9": "MiniGrid-MemoryS9-v0",
    "minigrid/memory?cells=11": "MiniGrid-MemoryS11-v0",
    "minigrid/memory?cells=13": "MiniGrid-MemoryS13-v0",
    "minigrid/memory?cells=13&random_length=true": "MiniGrid-MemoryS13Random-v0",
    "minigrid/memory?cells=17&random_length=true": "MiniGrid-MemoryS17Random-v0",
    "minigrid/unlock": "MiniGrid-Unlock-v0",
    "minigrid/unlockpickup": "MiniGrid-UnlockPickup-v0",
    "minigrid/goto": "BabyAI-GoToLocal-v0",
    "minigrid/goto?cells=6&factor.n_things=3": "BabyAI-GoToLocalS6N3-v0",
    "minigrid/goto?factor.n_things=1": "BabyAI-GoToObj-v0",
    "minigrid/pickup": "BabyAI-PickupLoc-v0",
}
# Whose layouts are compared in the checked-in set; the others differ in size only.
SMALL = [
    "minigrid/empty?cells=6&random_start=true",
    "minigrid/fourrooms",
    "minigrid/doorkey?cells=6",
    "minigrid/keycorridor?room=3&rows=3",
    "minigrid/multiroom?rooms=4&room_max=5",
    "minigrid/lavagap?cells=6",
    "minigrid/memory?cells=13&random_length=true",
    "minigrid/unlock",
    "minigrid/unlockpickup",
    "minigrid/goto?cells=6&factor.n_things=3",
    "minigrid/pickup",
]
COLOURS = ["red", "green", "blue", "purple", "yellow", "grey"]
COLOUR_LETTERS = dict(zip(COLOURS, "rgbpye"))
LETTERS = {"wall": "W", "floor": "F", "key": "K", "ball": "A", "box": "B", "goal": "G", "lava": "V"}
FACINGS = ["right", "down", "left", "up"]
# Turn left, right, forward, pick up, drop, toggle, nothing: how often.
ACTIONS = [0.15, 0.15, 0.38, 0.1, 0.08, 0.11, 0.03]


def word(cell, wanted):
    """A cell as worldsmith writes it."""
    if cell is None:
        return ".."
    mark = "*" if any(cell is each for each in wanted) else ""
    if cell.type == "wall" and cell.color == "grey":
        return "##"
    letter = LETTERS.get(cell.type) or ("O" if cell.is_open else "L" if cell.is_locked else "D")
    inside = f"({word(cell.contains, wanted)})" if cell.contains else ""
    return letter + COLOUR_LETTERS[cell.color] + mark + inside


def cells(env):
    return [[env.grid.get(x, y) for x in range(env.width)] for y in range(env.height)]


def task(env):
    """The task in worldsmith's form, and the very things that it is about."""
    if hasattr(env, "instrs"):
        desc = env.instrs.desc
        want = dict(kind=desc.type, colour=desc.color, side=desc.loc, is_one_of_many=len(desc.obj_set) > 1)
        return {"face" if "GoTo" in type(env.instrs).__name__ else "lift": want}, desc.obj_set
    if hasattr(env, "success_pos"):
        place = lambda spot: [int(x) for x in spot]
        return {"choose": dict(right=place(env.success_pos), wrong=place(env.failure_pos))}, []
    if hasattr(env, "obj"):
        want = dict(kind=env.obj.type, colour=env.obj.color, side=None, is_one_of_many=False)
        return {"lift": want}, [env.obj]
    return ("open", [env.door]) if hasattr(env, "door") else ("reach", [])


def state(env, about, wanted):
    return {
        "board": [" ".join(word(cell, wanted) for cell in row) for row in cells(env)],
        "agent": {"spot": [int(x) for x in env.agent_pos], "facing": FACINGS[env.agent_dir]},
        "carried": word(env.carrying, wanted),
        "n_steps": int(env.step_count),
        "task": about,
        "conditions": {"look": {"hue_deg": 0.0, "light": 1.0}, "stall_chance": 0.0},
    }


def liftable(rng):
    kind = [Key, Ball, Box][rng.integers(3)]
    thing = kind(COLOURS[rng.integers(6)])
    if kind is Box and rng.random() < 0.6:
        thing.contains = liftable(rng) if rng.random() < 0.7 else anything(rng)
        if thing.contains.contains and thing.contains.contains.contains:
            thing.contains.contains.contains = None
    return thing


def anything(rng):
    colour = COLOURS[rng.integers(6)]
    fixed = [lambda: Wall(colour), lambda: Floor(colour), lambda: Goal(colour), Lava]
    chance = rng.random()
    if chance < 0.4:
        return liftable(rng)
    if chance < 0.7:
        latch = rng.integers(3)
        return Door(colour, is_open=latch == 0, is_locked=latch == 2)
    return fixed[rng.integers(4)]()


def strew(env, rng, wanted):
    """Things of all kinds on free cells, and the agent on another, perhaps with something in hand, perhaps late."""
    env.grid.wall_rect(0, 0, env.width, env.height)  # The package fails where one looks off the board.
    spots = [(x, y) for y in range(1, env.height - 1) for x in range(1, env.width - 1)]
    ends = [tuple(getattr(env, name)) for name in ("success_pos", "failure_pos") if hasattr(env, name)]
    free = [spot for spot in spots if env.grid.get(*spot) is None and spot not in ends]
    share = rng.choice([0.05, 0.2, 0.4])
    for spot in free:
        if spot != tuple(env.agent_pos) and rng.random() < share:
            env.grid.set(*spot, anything(rng))
    open_spots = [spot for spot in free if env.grid.get(*spot) is None or env.grid.get(*spot).can_overlap()]
    while open_spots:
        env.agent_pos = open_spots[rng.integers(len(open_spots))]
        env.agent_dir = int(rng.integers(4))
        if not any(env.grid.get(*env.front_pos) is each for each in wanted):
            break
    if rng.random() < 0.5:
        env.carrying = liftable(rng)
    if rng.random() < 0.3:
        env.step_count = int(rng.integers(max(0, env.max_steps - 60), env.max_steps))


def checksum(*parts):
    """FNV-1a, 32 bits."""
    total = 0x811C9DC5
    for part in parts:
        for byte in part:
            total = ((total ^ byte) * 0x01000193) & 0xFFFFFFFF
    return f"{total:08x}"


def episode(full, rng, n_steps):
    env = full.unwrapped
    env.reset(seed=int(rng.integers(2**31)))
    about, wanted = task(env)
    if rng.random() < 0.5:
        strew(env, rng, wanted)
    start, actions, ends, rewards, sums = state(env, about, wanted), "", "", [], []
    while len(actions) < n_steps and ends[-1:] in ("", "."):
        action = int(rng.choice(7, p=ACTIONS))
        obs, reward, terminated, truncated, _ = env.step(action)
        actions += str(action)
        ends += "t" if terminated else "c" if truncated else "."
        if reward:
            rewards.append([len(actions) - 1, struct.unpack("f", struct.pack("f", reward))[0]])
        carried = word(env.carrying, wanted).encode()
        whole = full.observation(obs)["image"]
        sums.append(checksum(obs["image"].tobytes(), whole.tobytes(), [obs["direction"]], carried))
    return {
        "state": start, "max_steps": int(env.max_steps), "mission": env.mission,
        "actions": actions, "ends": ends, "rewards": rewards, "sums": "".join(sums),
    }


def steps(small):
    per_id, longest = (100, 50) if small else (3200, 150)
    for i, (ours, theirs) in enumerate(IDS.items()):
        full = FullyObsWrapper(gymnasium.make(theirs).unwrapped)
        rng = np.random.default_rng(i)
        n = 0
        while n < per_id:
            made = episode(full, rng, longest)
            n += len(made["actions"])
            yield {"id": ours, **made}


def layout(theirs, n):
    """In how many of `n` layouts something holds."""
    env = gymnasium.make(theirs).unwrapped
    held = Counter()
    for seed in range(n):
        env.reset(seed=seed)
        x0, y0 = (int(x) for x in env.agent_pos)
        facts = {f"agent {x0} {y0}", f"facing {env.agent_dir}", f"mission {env.mission}"}
        kinds = Counter()
        for y, row in enumerate(cells(env)):
            for x, cell in enumerate(row):
                if cell is None:
                    continue
                kinds[cell.type] += 1
                facts.add(f"{cell.type} {x} {y}")
                if cell.type in ("door", "key", "ball", "box"):
                    facts |= {word(cell, []), f"{cell.type} from agent {x - x0} {y - y0}"}
        held.update(facts | {f"{n_such} of {kind}" for kind, n_such in kinds.items()})
    # What hardly ever holds is left to be seen by what sometimes does.
    return {fact: count for fact, count in sorted(held.items()) if count > n // 200}


def dump(out, name, **parts):
    about = {each: version(each) for each in ("minigrid", "gymnasium", "numpy")}
    text = json.dumps({"made_with": about, **parts}, separators=(",", ":"))
    (out / name).write_text(text.replace('{"id"', '\n{"id"').replace('},"minigrid/', '},\n"minigrid/') + "\n")


def make(out, small):
    n = 2000 if small else 5000
    # The package prints a line for every layout that it throws away.
    with contextlib.redirect_stdout(io.StringIO()):
        episodes = list(steps(small))
        layouts = {ours: layout(IDS[ours], n) for ours in (SMALL if small else IDS)}
    dump(out, "steps.json", episodes=episodes)
    dump(out, "layouts.json", n_seeds=n, layouts=layouts)


if __name__ == "__main__":
    both_ways.fixtures(__doc__, make)
