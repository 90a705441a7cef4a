"""MinAtar's five games from injected states: what was drawn in each step, and what changed.

    pip install --no-deps minatar==1.0.15 && pip install numpy==2.4.6

Each `<game>.json` holds rollouts. `start` is a state as worldsmith saves it; a turn is [action, drawn, reward, changes]:
what the package drew at random in this step (arrivals, paces), or null, and what is not as before, by field and by place
in lists of the same length. `planes` are the places of ones in the package's channel planes at the end. `draws` counts what the package draws, `n_draws` times.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # Not this folder, whose scripts are named after libraries.

import numpy as np

import both_ways
from minatar import Environment

N_DRAWS = 40_000


class Recorder:
    """The generator of a game, which keeps a list of what it gave."""

    def __init__(self, seed):
        self.random, self.given = np.random.RandomState(seed), []

    def rand(self, *shape):
        self.given.append(self.random.rand(*shape))
        return self.given[-1]

    def randint(self, *args, **kwargs):
        self.given.append(self.random.randint(*args, **kwargs))
        return self.given[-1]


class Asterix:
    actions = "nlurd"

    def see(game):
        things = [None if e is None else {"column": e[0], "right": bool(e[2]), "gold": bool(e[3])} for e in game.entities]
        return {
            "player": [game.player_x, game.player_y],
            "lanes": things,
            "spawn_timer": game.spawn_timer,
            "spawn_steps": game.spawn_speed,
            "move_timer": game.move_timer,
            "move_steps": game.move_speed,
            "ramp_timer": game.ramp_timer,
            "ramp_level": game.ramp_index,
            "lost": game.terminal,
        }

    def inject(game, rng):
        game.player_x, game.player_y = int(rng.integers(10)), int(rng.integers(1, 9))
        thing = lambda y: [int(rng.integers(10)), y, bool(rng.integers(2)), bool(rng.integers(2))]
        game.entities = [thing(y) if rng.random() < 0.6 else None for y in range(1, 9)]
        game.spawn_speed, game.move_speed = int(rng.integers(1, 11)), int(rng.integers(1, 6))
        game.spawn_timer, game.move_timer = int(rng.integers(game.spawn_speed + 1)), int(rng.integers(game.move_speed + 1))
        game.ramp_timer, game.ramp_index = int(rng.choice([-1, 0, 1, 50])), int(rng.integers(12))

    def drawn(game, given):
        # Which lanes were empty is no longer seen; the package says only the how-manieth of them it was.
        return [int(given[2]), bool(given[0] < 1 / 2), bool(given[1] < 1 / 3)] if len(given) == 3 else None

    def draw(game):
        game.entities = [None] * 8
        game._spawn_entity()
        return next([i, e[2], e[3]] for i, e in enumerate(game.entities) if e)


class Freeway:
    actions = "nud"

    def see(game):
        cars = [{"column": int(c[0]), "timer": int(c[2]), "pace": int(c[3])} for c in game.cars]
        return {
            "row": int(game.pos),
            "walk_timer": int(game.move_timer),
            "walk_steps": 3,
            "cars": cars,
            "steps_left": game.terminate_timer,
        }

    def inject(game, rng):
        game.pos, game.move_timer = int(rng.choice([1, 1, 2, 5, 9])), int(rng.integers(4))
        game.terminate_timer = int(rng.choice([3, 40, 2500]))
        for car in game.cars:
            pace = int(rng.integers(1, 6))
            car[0], car[2], car[3] = int(rng.integers(10)), int(rng.integers(pace + 1)), int(rng.choice([-pace, pace]))

    def drawn(game, given):
        return [int(c[3]) for c in game.cars] if given else None

    def draw(game):
        game._randomize_cars()
        return [int(game.cars[3][3])]


class Seaquest:
    actions = "nlurdf"

    def see(game):
        bullets = lambda all: [{"at": [b[0], b[1]], "right": bool(b[2])} for b in all]
        swimmer = lambda s: {
            "at": [s[0], int(s[1])], "right": bool(s[2]), "move_timer": s[3], "shot_timer": s[4] if len(s) > 4 else 0
        }
        return {
            "player": [game.sub_x, game.sub_y],
            "right": bool(game.sub_or),
            "air": game.oxygen,
            "air_steps": 200,
            "n_divers": game.diver_count,
            "surfaced": game.surface,
            "cool_timer": game.shot_timer,
            "bullets": bullets(game.f_bullets),
            "hostile_bullets": bullets(game.e_bullets),
            "fish": [swimmer(s) for s in game.e_fish],
            "submarines": [swimmer(s) for s in game.e_subs],
            "divers": [swimmer(s) for s in game.divers],
            "spawn_timer": game.e_spawn_timer,
            "spawn_steps": game.e_spawn_speed,
            "diver_timer": game.d_spawn_timer,
            "move_steps": game.move_speed,
            "ramp_level": game.ramp_index,
            "lost": game.terminal,
        }

    def inject(game, rng):
        below = lambda n: int(rng.integers(n))
        game.sub_or = bool(below(2))
        game.sub_x, game.sub_y = below(9) + game.sub_or, below(9)
        game.oxygen, game.diver_count = int(rng.choice([0, 1, 5, 57, 120, 200])), int(rng.integers(-1, 7))
        game.surface = game.sub_y == 0 and bool(below(2))
        game.move_speed, game.e_spawn_speed = int(rng.integers(2, 6)), int(rng.integers(1, 21))
        game.e_spawn_timer, game.d_spawn_timer, game.shot_timer = below(4), below(6), below(5)
        game.ramp_index = below(20)
        # Few rows, so that they meet.
        row = lambda: int(rng.choice([max(game.sub_y, 1), 3, 4]))
        bullet = lambda: [below(10), row(), bool(below(2))]
        swimmer = lambda: [*bullet(), below(game.move_speed + 1)]
        game.f_bullets, game.e_bullets = [bullet() for _ in range(below(5))], [bullet() for _ in range(below(4))]
        game.e_fish, game.divers = [swimmer() for _ in range(below(5))], [swimmer() for _ in range(below(4))]
        game.e_subs = [[*swimmer(), below(11)] for _ in range(below(5))]
        # Twins, which the package tells apart by nothing.
        for all in (game.f_bullets, game.e_bullets, game.e_fish, game.e_subs, game.divers):
            if all and below(3) == 0:
                all.append(list(all[below(len(all))]))

    def drawn(game, given):
        enemy = [bool(given[0] < 1 / 2), bool(given[1] < 1 / 3), int(given[2])] if len(given) in (3, 5) else None
        diver = [bool(given[-2] < 1 / 2), int(given[-1])] if len(given) in (2, 5) else None
        return [enemy, diver] if given else None

    def draw(game):
        game.e_fish, game.e_subs = [], []
        game._spawn_enemy()
        (x, y, right, *_), = game.e_fish + game.e_subs
        game.divers = []
        game._spawn_diver()
        return [bool(right), bool(game.e_subs), int(y), bool(game.divers[0][2]), int(game.divers[0][1])]


class SpaceInvaders:
    actions = "nlrf"

    def see(game):
        rows = lambda cells: [sum(1 << x for x in range(10) if row[x]) for row in cells]
        return {
            "cannon": game.pos,
            "aliens": rows(game.alien_map),
            "bullets": rows(game.f_bullet_map),
            "hostile_bullets": rows(game.e_bullet_map),
            "heading": game.alien_dir,
            "move_timer": int(game.alien_move_timer),
            "move_steps": game.enemy_move_interval,
            "shot_timer": game.alien_shot_timer,
            "shot_steps": 10,
            "cool_timer": game.shot_timer,
            "ramp_level": game.ramp_index,
            "lost": game.terminal,
        }

    def inject(game, rng):
        game.pos, game.alien_dir = int(rng.integers(10)), int(rng.choice([-1, 1]))
        game.alien_map = (rng.random((10, 10)) < rng.choice([0.02, 0.2])).astype(float)
        game.alien_map[rng.choice([4, 7, 9, 10]):] = 0
        game.alien_map[int(rng.integers(4)), int(rng.integers(10))] = 1
        for bullets, density in ((game.f_bullet_map, 0.08), (game.e_bullet_map, 0.04)):
            bullets[:9] = rng.random((9, 10)) < density
        game.enemy_move_interval = int(rng.integers(6, 13))
        game.alien_move_timer, game.alien_shot_timer = int(rng.integers(4)), int(rng.integers(11))
        game.shot_timer, game.ramp_index = int(rng.integers(5)), int(rng.integers(7))

    def drawn(game, given):
        return None

    draw = None


class Breakout:
    actions = "nlr"
    heading = [[-1, -1], [1, -1], [1, 1], [-1, 1]]

    def see(game):
        return {
            "paddle": game.pos,
            "ball": [game.ball_x, game.ball_y],
            "trail": [game.last_x, game.last_y],
            "heading": Breakout.heading[game.ball_dir],
            "bricks": (game.brick_map[1:4] == 1).tolist(),
            "striking": game.strike,
            "lost": game.terminal,
        }

    def inject(game, rng):
        game.pos, game.ball_dir = int(rng.integers(10)), int(rng.integers(4))
        game.ball_x, game.ball_y = int(rng.integers(10)), int(rng.integers(9))
        game.last_x, game.last_y = int(rng.integers(10)), int(rng.integers(9))
        game.brick_map[1:4] = rng.random((3, 10)) < rng.choice([0.0, 0.1, 0.6, 1.0])
        game.strike = bool(rng.integers(2))

    def drawn(game, given):
        return None

    draw = None


GAMES = {
    "asterix": Asterix, "breakout": Breakout, "freeway": Freeway, "seaquest": Seaquest, "space_invaders": SpaceInvaders
}


def started(name, seed):
    env = Environment(name, sticky_action_prob=0.0)
    env.env.random = Recorder(seed)
    env.reset()
    env.env.random.given.clear()
    return env


def changed(before, now):
    """What turns `before` into `now`: an object of changes, or `now` as a whole."""
    if isinstance(now, dict) and isinstance(before, dict):
        return {key: changed(before[key], now[key]) for key in now if before[key] != now[key]}
    if isinstance(now, list) and isinstance(before, list) and len(now) == len(before):
        return {str(i): changed(b, n) for i, (b, n) in enumerate(zip(before, now)) if b != n}
    return now


def rollout(name, seed, n_steps, player=None):
    """`n_steps` at most, from an injected state and by chance, or from a proper start and by `player`."""
    about, rng, env = GAMES[name], np.random.default_rng(seed), started(name, seed)
    if player is None:
        about.inject(env.env, rng)
        player = lambda game: int(rng.integers(len(about.actions)))
    seen = about.see(env.env)
    start, turns = seen, []
    while len(turns) < n_steps and not env.env.terminal:
        choice = player(env.env)
        reward, _ = env.act(env.env.action_map.index(about.actions[choice]))
        before, seen = seen, about.see(env.env)
        turns.append([choice, about.drawn(env.env, env.env.random.given), int(reward), changed(before, seen)])
        env.env.random.given.clear()
    return {"start": start, "turns": turns, "planes": np.flatnonzero(env.state()).tolist()}


def keep_the_ball(game):
    """Plays Breakout so that walls are cleared."""
    step = 1 if game.ball_dir in (1, 2) else -1
    goal = game.ball_x + step * int(game.ball_y == 8 and (game.ball_x + game.brick_map.sum()) % 3 == 0)
    return 1 if goal < game.pos else 2 if goal > game.pos else 0


def draws(name):
    """How often each value of each of the things drawn came."""
    env, counts = started(name, 0), {}
    for _ in range(N_DRAWS):
        for i, value in enumerate(GAMES[name].draw(env.env)):
            key = f"{i}:{int(value)}"
            counts[key] = counts.get(key, 0) + 1
        env.env.random.given.clear()
    return counts


def make(out, small):
    made_with = {package: version(package) for package in ("minatar", "numpy")}
    for name, about in GAMES.items():
        n_steps = 30
        rollouts = [rollout(name, seed, n_steps) for seed in range(15 if small else 8_000)]
        if name == "breakout":
            rollouts.append(rollout(name, 0, 450 if small else 20_000, keep_the_ball))
        found = {"made_with": made_with, "n_draws": N_DRAWS, "draws": draws(name) if about.draw else {}}
        head = json.dumps(found)[:-1] + ', "rollouts": [\n'
        lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in rollouts)
        (out / f"{name}.json").write_text(head + lines + "\n]}\n")


both_ways.fixtures(__doc__, make)
