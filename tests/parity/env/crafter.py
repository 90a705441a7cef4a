"""Steps and worlds of the package `crafter` 1.8.3, with all draws written down, so that worldsmith can play them back.

    pip install crafter==1.8.3 && python crafter.py make OUT [--small]

`steps.json`: rollouts from injected states. A step is [deed, reward, dead, draws, changes]: a draw of a uniform number is
k for k / 65536, one of a whole number i is -1 - i; changes are all lines of the next state that differ from the last one's
(`lines` below says what a line is). `worlds.json`: new worlds with their draws, how often each material and creature
comes over 200 seeds, and how many creatures there are later over 60. `rules.json`: the package's tables.

In the package the creature that goes when a chunk holds too many is drawn from a set, whose order is by chance of memory;
here sets are in the order of age, which changes no probability.
"""
import json
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after libraries.

import numpy as np
import opensimplex
from crafter import constants, engine, env as crafter_env, objects, worldgen

import both_ways

LETTERS = dict(zip(["water", "grass", "stone", "path", "sand", "tree", "lava", "coal", "iron", "diamond", "table",
                    "furnace"], "~.#_:T!cidtf"))
FACING = {(-1, 0): "left", (1, 0): "right", (0, -1): "up", (0, 1): "down"}


class Dice:
    """Stands for the world's generator: draws 16 bits for a number, and writes down what it drew."""

    def __init__(self, seed, is_fair=False):
        self.rng, self.log, self.is_fair = np.random.RandomState(seed), [], is_fair

    def uniform(self, low=0.0, high=1.0, size=None):
        if size is not None:  # The noise of pictures at night.
            return np.zeros(size)
        # What seldom happens in play happens often here.
        is_small = not self.is_fair and self.rng.randint(0, 4) == 0
        most = 600 if is_small else 65536
        self.log.append(int(self.rng.randint(0, most)))
        return low + (high - low) * self.log[-1] / 65536

    def randint(self, low, high):
        drawn = int(self.rng.randint(low, high))
        self.log.append(-1 - (drawn - low))
        return drawn


class Landscape(opensimplex.OpenSimplex):
    """At the points of its lattice the noise is 0; which side of 0 rounding leaves it on is no part of the game."""

    def noise3(self, *place):
        noise = super().noise3(*place)
        return 0.0 if abs(noise) < 1e-9 else noise


class ByAge(set):
    """Objects of a chunk, oldest first."""

    world = None

    def __iter__(self):
        return iter(sorted(set.__iter__(self), key=lambda obj: self.world._obj_map[tuple(obj.pos)]))


def empty_env(seed, area, is_fair=False):
    env = crafter_env.Env(area=area, seed=0)
    env._obs = lambda: None
    env._world.reset(seed=0)
    env._world.random = Dice(seed, is_fair)
    env._episode, env._unlocked = 1, set()

    class Chunk(ByAge):
        world = env._world

    env._world._chunks.default_factory = Chunk
    return env


def put_player(env, position):
    env._player = objects.Player(env._world, position)
    env._world.add(env._player)


def ints(*numbers):
    return " ".join(str(int(n)) for n in numbers)


def lines(env):
    """The whole state as short lines by name; counters are doubled, so that they are whole."""
    world, player = env._world, env._player
    counters = [player._hunger, player._thirst, player._fatigue, player._recover]
    found = {
        "player": f"{ints(*player.pos)} {FACING[tuple(player.facing)]} {ints(player.sleeping)} "
                  f"{ints(*(2 * c for c in counters))} {ints(player._last_health)}",
        "inventory": ints(*player.inventory.values()),
        "achievements": ints(*player.achievements.values()),
        "chunks": ints(*chunk_numbers(world)),
        "next": ints(len(world._objects)),
    }
    for i, obj in enumerate(world._objects):
        if obj and obj is not player:
            found[f"o{i}"] = f"{type(obj).__name__.lower()} {ints(*obj.pos, obj.health)}{extra(obj)}"
    names = world._mat_names
    for (x, y), material in np.ndenumerate(world._mat_map):
        found[f"{x},{y}"] = LETTERS[names[material]]
    return found


def extra(obj):
    number = {"Zombie": "cooldown", "Skeleton": "reload", "Plant": "grown"}.get(type(obj).__name__)
    if number:
        return f" {getattr(obj, number)}"
    return f" {FACING[tuple(int(i) for i in obj.facing)]}" if isinstance(obj, objects.Arrow) else ""


def chunk_numbers(world):
    rows = -(-world.area[1] // 12)
    return [int(x // 12 * rows + y // 12) for (x, _, y, _) in world._chunks]


def rows_of(world):
    return ["".join(LETTERS[world._mat_names[m]] for m in row) for row in world._mat_map.T]


def described(env):
    """The whole state as worldsmith saves it."""
    world, player = env._world, env._player

    def thing(i, obj):
        kind = type(obj).__name__.lower()
        said = {"id": i, "position": [int(p) for p in obj.pos], "health": int(obj.health), "kind": kind}
        if kind == "arrow":
            return said | {"facing": FACING[tuple(int(i) for i in obj.facing)]}
        number = {"zombie": "cooldown", "skeleton": "reload", "plant": "grown"}.get(kind)
        return said | ({number: int(getattr(obj, number))} if number else {})

    return {
        "step": env._step,
        "terrain": rows_of(world),
        "player": {
            "position": [int(p) for p in player.pos],
            "facing": FACING[tuple(player.facing)],
            "inventory": {k: int(v) for k, v in player.inventory.items()},
            "sleeping": player.sleeping,
            "hunger": player._hunger, "thirst": player._thirst, "fatigue": player._fatigue,
            "recover": player._recover, "last_health": int(player._last_health),
        },
        "objects": [thing(i, o) for i, o in enumerate(world._objects) if o and o is not player],
        "next_id": len(world._objects),
        "chunks": chunk_numbers(world),
        "achievements": dict(player.achievements),
        "episode": {"day_steps": 300.0, "hunger_ratio": 1.0, "zombie_ratio": 1.0,
                    "look": {"hue_deg": 0.0, "light": 1.0}, "noise_seed": 0},
    }


def injected(seed, n_cells=24):
    """A crowded little world in which much happens soon."""
    rng = np.random.default_rng(seed)
    env = empty_env(seed, (n_cells, n_cells))
    world = env._world
    env._step = int(rng.integers(0, 3000))
    ground = rng.choice(["grass", "grass", "path", "sand", "stone"], size=(n_cells // 4 + 1, n_cells // 4 + 1))
    if rng.random() < 0.3:
        ground[:] = "grass"
    for x in range(n_cells):
        for y in range(n_cells):
            rare = rng.random() < 0.18
            world[x, y] = rng.choice(constants.materials) if rare else ground[x // 4, y // 4]
    low, high = (0 if rng.random() < 0.2 else 5, n_cells if rng.random() < 0.2 else n_cells - 5)
    put_player(env, rng.integers(low, high, 2))
    equip(env._player, rng)
    return env, rng


def crowd(env, rng):
    spread(env, rng)
    # Half of all deeds are to do something, a quarter to move, the rest anything.
    odds = {"do": 0.5, **dict.fromkeys(MOVES, 0.25 / 4)}
    if rng.random() < 0.3:
        odds["sleep"] = 0.5
    return odds


MOVES = ["move_left", "move_right", "move_up", "move_down"]
CRAFTS = [name for name in constants.actions if name.startswith(("place", "make"))]


def fill(env, material, others=(), share=0.0, rng=None):
    """All of one material, with a share of others."""
    for x in range(env._world.area[0]):
        for y in range(env._world.area[1]):
            env._world[x, y] = rng.choice(others) if rng and rng.random() < share else material


def put(env, rng, reach, make, n):
    """Up to `n` things on free walkable cells near the player."""
    for _ in range(n):
        cell = tuple(int(i) for i in env._player.pos + rng.integers(-reach, reach + 1, 2))
        if env._world[cell][0] in constants.walkable and not env._world[cell][1]:
            env._world.add(make(cell))


def put_ahead(env, material, make):
    """Somebody right before the player, who is awake."""
    env._player.sleeping = False
    ahead = tuple(int(i) for i in env._player.pos + np.array(env._player.facing))
    if env._world[ahead][0]:
        env._world[ahead] = material
        env._world.add(make(ahead))


def collect(env, rng):
    fill(env, "grass", list(constants.collect), 0.8, rng)
    env._player.sleeping = False
    for name in ("wood_pickaxe", "stone_pickaxe", "iron_pickaxe"):
        env._player.inventory[name] = int(rng.random() < 0.8)
    return {"do": 0.6, **dict.fromkeys(MOVES, 0.1)}


def craft(env, rng):
    fill(env, "grass", [*["table", "furnace"] * 2, "sand", "path", "water", "lava", "tree"], 0.4, rng)
    for name in ("sapling", "wood", "stone", "coal", "iron", "diamond"):
        env._player.inventory[name] = int(rng.integers(0, 10))
    env._player.sleeping = False
    return {**dict.fromkeys(CRAFTS, 0.08), "move_left": 0.1, "move_up": 0.1}


def sleep(env, rng):
    fill(env, "grass")
    player = env._player
    player.inventory["energy"], player.sleeping = int(rng.choice([8, 9])), bool(rng.random() < 0.8)
    player.inventory["health"] = player._last_health = 9
    player._fatigue = int(rng.integers(-10, 2))
    put(env, rng, 3, lambda cell: objects.Zombie(env._world, cell, player), int(rng.integers(0, 3)))
    return {"sleep": 0.7, "noop": 0.2, "do": 0.1}


def body(env, rng):
    fill(env, "sand")
    player = env._player
    for name in ("food", "drink", "energy"):
        player.inventory[name] = int(rng.choice([0, 1, 5]))
    player._hunger, player._thirst = int(rng.choice([20, 24, 25])), int(rng.choice([15, 19, 20]))
    player._fatigue, player._recover = int(rng.choice([28, 30, -9])), int(rng.choice([-15, -13, 24, 25]))
    return {"noop": 0.8, "sleep": 0.2}


def zombie(env, rng):
    fill(env, "grass", ["stone", "water", "table"], 0.1, rng)
    put_ahead(env, "grass", lambda cell: objects.Zombie(env._world, cell, env._player))
    put(env, rng, 4, lambda cell: objects.Zombie(env._world, cell, env._player), 3)
    return {"do": 0.5, "noop": 0.1, **dict.fromkeys(MOVES, 0.1)}


def skeleton(env, rng):
    fill(env, "path", ["stone", "table", "furnace", "lava", "water"], 0.15, rng)
    put_ahead(env, "path", lambda cell: objects.Skeleton(env._world, cell, env._player))
    put(env, rng, 5, lambda cell: objects.Skeleton(env._world, cell, env._player), 4)
    for obj in env._world.objects[1:]:
        obj.health, obj.reload = int(rng.integers(2, 9)), int(rng.integers(0, 5))
    return {"do": 0.6, "noop": 0.1, **dict.fromkeys(MOVES, 0.07)}


def arrow(env, rng):
    fill(env, "path", ["table", "furnace", "water", "lava", "stone"], 0.25, rng)
    put(env, rng, 3, lambda cell: objects.Plant(env._world, cell), 4)
    put(env, rng, 3, lambda cell: objects.Cow(env._world, cell), 2)
    put(env, rng, 3, lambda cell: objects.Zombie(env._world, cell, env._player), 1)
    for obj in env._world.objects[1:]:
        obj.health = 1
    put(env, rng, 4, lambda cell: objects.Arrow(env._world, cell, list(FACING)[rng.integers(4)]), 20)
    return {"noop": 0.6, **dict.fromkeys(MOVES, 0.1)}


def plant(env, rng):
    fill(env, "grass")
    put(env, rng, 1, lambda cell: objects.Plant(env._world, cell), 6)
    for obj in env._world.objects[1:]:
        obj.grown = int(rng.integers(298, 303))
    put(env, rng, 3, lambda cell: objects.Cow(env._world, cell), 2)
    put(env, rng, 3, lambda cell: objects.Zombie(env._world, cell, env._player), 1)
    return {"do": 0.6, **dict.fromkeys(MOVES, 0.1)}


def cow(env, rng):
    fill(env, "grass", ["water"], 0.1, rng)
    put(env, rng, 2, lambda cell: objects.Cow(env._world, cell), 8)
    return {"do": 0.6, **dict.fromkeys(MOVES, 0.1)}


def lava(env, rng):
    fill(env, "sand", ["lava", "water", "grass"], 0.5, rng)
    return {"place_stone": 0.2, **dict.fromkeys(MOVES, 0.2)}


def balance(env, rng):
    """How many there are is looked at every tenth step: by day, at dusk and by night."""
    fill(env, rng.choice(["grass", "path"]), ["grass", "path", "stone"], 0.3, rng)
    env._step = int(rng.choice([79, 149, 219, 239])) + 300 * int(rng.integers(0, 9))
    kinds = [lambda cell: objects.Cow(env._world, cell), lambda cell: objects.Zombie(env._world, cell, env._player),
             lambda cell: objects.Skeleton(env._world, cell, env._player)]
    put(env, rng, 8, kinds[rng.integers(3)], int(rng.integers(0, 9)))
    return {"noop": 1.0}


# Worlds, their side in cells, and how many of them and steps are checked in.
FIRST_SEED = 5
SCENES = {crowd: (24, 2, 16), collect: (13, 7, 30), craft: (13, 14, 30), sleep: (13, 6, 14), body: (13, 8, 6),
          zombie: (13, 5, 14), skeleton: (13, 5, 14), arrow: (13, 8, 4), plant: (13, 6, 6), cow: (13, 3, 10),
          lava: (13, 5, 8), balance: (13, 24, 2)}


def equip(player, rng):
    for name in player.inventory:
        vital = name in ("health", "food", "drink", "energy")
        player.inventory[name] = int(rng.integers(1 if name == "health" else 0, 10)) if vital or rng.random() < 0.5 else 0
    player.facing = list(FACING)[rng.integers(4)]
    player.sleeping = bool(rng.random() < 0.3)
    player._hunger = int(rng.integers(0, 52)) / 2
    player._thirst = int(rng.integers(0, 42)) / 2
    player._fatigue = int(rng.integers(-10, 31))
    player._recover = int(rng.integers(-30, 52)) / 2
    player._last_health = player.health


def spread(env, rng):
    """Creatures everywhere, and often one right ahead."""
    world, player = env._world, env._player
    ahead = tuple(player.pos + np.array(player.facing))
    cells = [ahead] if rng.random() < 0.6 else []
    cells += [tuple(player.pos + rng.integers(-5, 6, 2)) for _ in range(rng.integers(0, 12))]
    cells += [tuple(rng.integers(0, env._world.area[0], 2)) for _ in range(rng.integers(0, 16))]
    for cell in cells:
        cell = tuple(int(i) for i in cell)
        material, taken = world[cell]
        if material is None or taken:
            continue
        kind = rng.choice(["Cow", "Zombie", "Skeleton", "Arrow", "Plant"], p=[0.2, 0.25, 0.2, 0.15, 0.2])
        if kind == "Arrow":
            world.add(objects.Arrow(world, cell, list(FACING)[rng.integers(4)]))
            continue
        arguments = (player,) if kind in ("Zombie", "Skeleton") else ()
        obj = getattr(objects, kind)(world, cell, *arguments)
        if kind == "Plant":
            obj.grown = int(rng.integers(270, 310)) if rng.random() < 0.7 else int(rng.integers(0, 50))
        else:
            obj.health = int(rng.integers(1, 6))
        if kind == "Zombie":
            obj.cooldown = int(rng.integers(0, 6))
        if kind == "Skeleton":
            obj.reload = int(rng.integers(0, 5))
        world.add(obj)


def rollout(scene, n_cells, seed, n_steps):
    env, rng = injected(seed, n_cells)
    chances = scene(env, rng)
    env._last_health = env._player.health
    told = {"start": described(env), "steps": []}
    odds = np.array([chances.get(name, 0.0) + 0.02 for name in constants.actions])
    before = lines(env)
    for _ in range(n_steps):
        deed = int(rng.choice(17, p=odds / odds.sum()))
        env._world.random.log.clear()
        _, reward, dead, info = env.step(deed)
        after = lines(env)
        changes = {k: after.get(k) for k in before.keys() | after.keys() if before.get(k) != after.get(k)}
        told["steps"].append([deed, round(float(reward), 6), int(dead), list(env._world.random.log),
                              dict(sorted(changes.items()))])
        before = after
        if dead:
            break
    told["daylight"] = float(env._world.daylight)
    told["semantic"] = ["".join(chr(97 + int(code)) for code in row) for row in env._sem_view().T]
    return told


def new_world(seed, area):
    env = empty_env(seed, area, is_fair=True)
    env._step = 0
    put_player(env, (area[0] // 2, area[1] // 2))
    worldgen.opensimplex = SimpleNamespace(OpenSimplex=Landscape)
    worldgen.generate_world(env._world, env._player)
    return env


def world(seed, area):
    env = new_world(seed, area)
    noise_seed, *draws = env._world.random.log
    things = described(env)["objects"]
    return {
        "noise_seed": -1 - noise_seed,
        "draws": "".join(f"{draw:04x}" for draw in draws),
        "terrain": rows_of(env._world),
        "objects": [f"{o['id']} {o['kind']} {ints(*o['position'], o['health'])}" for o in things],
        "chunks": chunk_numbers(env._world),
    }


def counts(seed):
    env = new_world(1000 + seed, (64, 64))
    names = [*constants.materials, "Cow", "Zombie", "Skeleton"]
    kinds = [type(obj).__name__ for obj in env._world.objects]
    return [int(env._world.count(n)) if n in constants.materials else kinds.count(n) for n in names]


def populations(seed):
    """Cows, zombies and skeletons by day and by night, around a player who stands still and cannot be hurt."""
    env = crafter_env.Env(seed=seed)
    env._obs = lambda: None
    env.reset()
    counted = []
    for step in range(1, 211):
        env._player.inventory = {name: item["initial"] for name, item in constants.items.items()}
        env.step(0)
        if step in (90, 210):
            kinds = [type(obj).__name__ for obj in env._world.objects]
            counted += [kinds.count(name) for name in ("Cow", "Zombie", "Skeleton")]
    return counted


def make(out, small):
    made_with = {name: version(name) for name in ("crafter", "numpy", "opensimplex")}

    def write(name, body):
        (out / name).write_text(json.dumps({"made_with": made_with, **body}, separators=(",", ":")) + "\n")

    rollouts = []
    for scene, (n_cells, n_rollouts, n_steps) in SCENES.items():
        more = 1 if small else 10
        seeds = range(FIRST_SEED, FIRST_SEED + n_rollouts * more)
        rollouts += [rollout(scene, n_cells, seed, n_steps * (1 if small else 3)) for seed in seeds]
    write("steps.json", {"rollouts": rollouts})
    worlds = [world(seed, (40, 40)) for seed in (1, 2)] if small else [world(seed, (64, 64)) for seed in range(20)]
    write("worlds.json", {"worlds": worlds, "counts": [counts(seed) for seed in range(200)],
                          "populations": [populations(seed) for seed in range(60)]})
    tables = ("items", "walkable", "collect", "place", "make", "actions", "materials", "achievements")
    write("rules.json", {name: getattr(constants, name) for name in tables})


both_ways.fixtures(__doc__, make)
