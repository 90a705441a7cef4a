"""Which real environments work behind the bridge, and how fast; `cargo xtask parity bridge` runs it for each library.

    python survey.py LIBRARY PROGRAM OUT.json     # PROGRAM: cargo bench -p worldsmith-env --bench bridge --no-run

For each id of the library: does it keep the promises of an environment (the conformance check of worldsmith-env, in short
episodes), what is seen and done, and steps a second with random actions, resets counted, in its own Python loop and through
the bridge, in turns.
"""
import copy
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version

import numpy as np

os.environ["WORLDSMITH_PYTHON"] = sys.executable
if not os.environ.get("DISPLAY"):
    os.environ.setdefault("MUJOCO_GL", "egl")
    os.environ.setdefault("OFFSCREEN_RENDERING", "1")

ROUNDS, LOOP_SECS, CHECK_SECS = 3, 0.4, 240


class Row:
    """An id, the distribution it comes from, and how Python makes it: a module to import and arguments of `gymnasium.make`, or
    a function."""

    def __init__(self, ours, dist, module=None, make=None, **kwargs):
        self.ours, self.dist, self.module, self.make_it, self.kwargs = ours, dist, module, make, kwargs

    def make(self):
        if self.make_it:
            return self.make_it()
        import gymnasium

        if self.module:
            loaded = importlib.import_module(self.module)
            gymnasium.register_envs(loaded)
            if hasattr(loaded, "register_robotics_envs"):
                loaded.register_robotics_envs()
        env_id = self.ours.removeprefix("gym:").split("?")[0]
        return gymnasium.make(env_id, disable_env_checker=True, **self.kwargs)


def crafter():
    import crafter

    return crafter.Env()


def rows():
    gym = [
        "CartPole-v1", "Pendulum-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Acrobot-v1", "FrozenLake-v1",
        "CliffWalking-v1", "Taxi-v4", "Taxi-v3", "Blackjack-v1", "LunarLander-v3", "BipedalWalker-v3", "CarRacing-v3",
        "HalfCheetah-v5", "Ant-v5", "Humanoid-v5", "InvertedPendulum-v5",
    ]
    games = ["Pong", "Breakout", "MsPacman", "Seaquest", "SpaceInvaders"]
    grids = [
        "MiniGrid-Empty-5x5-v0", "MiniGrid-DoorKey-5x5-v0", "MiniGrid-FourRooms-v0", "MiniGrid-KeyCorridorS3R3-v0",
        "MiniGrid-MemoryS7-v0", "BabyAI-GoToLocal-v0",
    ]
    control = ["cartpole-swingup", "walker-walk", "cheetah-run", "reacher-easy", "humanoid-walk"]
    og = ["pointmaze-medium-v0", "antmaze-medium-v0", "cube-single-v0", "puzzle-3x3-v0"]
    robotics = [("FetchReach-v4", {}), ("FetchPush-v4", {}), ("PointMaze_UMaze-v3", {}), ("AntMaze_UMaze-v5", {})]
    mw = "gym:Meta-World/MT1?kw.env_name="
    dooms = ["VizdoomBasic-v1", "VizdoomHealthGathering-v1", "VizdoomDeathmatch-v1"]
    return {
        "bridge": [
            *(Row(f"gym:{name}", "gymnasium") for name in gym),
            *(Row(f"gym:ALE/{name}-v5?size=native", "ale-py", "ale_py") for name in games),
            *(Row(f"gym:{name}?obs=symbolic", "minigrid", "minigrid") for name in grids),
            Row("gym:gym_pusht/PushT-v0", "gym-pusht", "gym_pusht"),
            Row("gym:gym_pusht/PushT-v0?kw.obs_type=pixels&size=native", "gym-pusht", "gym_pusht", obs_type="pixels"),
            Row("gym:Crafter?entry=crafter:Env", "crafter", make=crafter),
            *(Row(f"gym:{name}", "highway-env", "highway_env") for name in ("highway-fast-v0", "parking-v0", "merge-v1")),
            *(Row(f"gym:{name}?size=native", "vizdoom", "vizdoom.gymnasium_wrapper") for name in dooms),
            textworld_row(),
        ],
        "bridge-control": [
            *(Row(f"gym:dm_control/{name}-v0", "dm-control", "shimmy") for name in control),
            *(Row(f"gym:{name}", "ogbench", "ogbench") for name in og),
        ],
        "bridge-robotics": [
            *(Row(f"gym:{name}", "gymnasium-robotics", "gymnasium_robotics", **kw) for name, kw in robotics),
            *(Row(mw + name, "metaworld", "metaworld", env_name=name) for name in ("reach-v3", "push-v3")),
        ],
        "bridge-nethack": [
            Row("gym:NetHackScore-v0", "nle", "nle"),
            Row("gym:MiniHack-Room-5x5-v0", "minihack", "minihack"),
            Row("gym:MiniHack-River-v0", "minihack", "minihack"),
        ],
    }


def textworld_row():
    """A game that is made here; TextWorld has no ids of Gymnasium's, so that a module of ours stands in between."""
    path = os.path.join(tempfile.gettempdir(), "worldsmith-survey.z8")

    def make():
        import textworld_entry

        return textworld_entry.make(path)

    return Row(f"gym:TextWorld?entry=textworld_entry:make&kw.path={path}", "textworld", make=make)


def drawn(space, n):
    """Random actions; Crafter's space only says how many there are."""
    if hasattr(space, "seed"):
        space.seed(1)
        return [space.sample() for _ in range(n)]
    return np.random.default_rng(1).integers(0, space.n, n).tolist()


def rate(env):
    """A loop over an environment, for `turns` of a given length."""
    actions, old, over = drawn(env.action_space, 64), hasattr(env, "_episode"), True

    def turn(seconds):
        nonlocal over
        start, n = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            if over:
                env.reset() if old else env.reset(seed=1)
                over = False
            else:
                found = env.step(actions[n % 64])
                over = found[2] or (not old and found[3])
            n += 1
        return n / (time.perf_counter() - start)

    return turn


def short(ours):
    return f"{ours}{'&' if '?' in ours else '?'}max_steps=25"


def checked(program, row):
    """What the check says; no more than a minute or two for the slowest."""
    try:
        done = subprocess.run([program, "--check", short(row.ours)], capture_output=True, text=True, timeout=CHECK_SECS)
        return json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"error": f"the check took more than {CHECK_SECS} seconds"}
    except (IndexError, ValueError):
        return {"error": "the check did not end: " + (done.stderr.strip().splitlines() or ["no word"])[-1]}


def same(a, b):
    """Whether two observations are equal, parts and all."""
    if isinstance(a, dict):
        return all(same(a[k], b[k]) for k in a)
    if isinstance(a, tuple):
        return all(map(same, a, b))
    return bool(np.array_equal(a, b))


def repeats(row):
    """Whether an environment alone gives the same episode from the same seed and actions, as far as some tries tell."""
    env = row.make()
    for seed in range(24):
        played = []
        actions = drawn(env.action_space, 25)
        for _ in range(2):
            if hasattr(env, "_episode"):
                # Crafter's seed.
                env._seed, env._episode = seed, 0
                seen = [env.reset()]
            else:
                seen = [copy.deepcopy(env.reset(seed=seed)[0])]
            for action in actions:
                found = env.step(action)
                seen.append(copy.deepcopy(found[0]))
                if found[2]:
                    break
            played.append(seen)
        if len(played[0]) != len(played[1]) or not all(map(same, *played)):
            return False
    return True


def surveyed(program, row):
    found = {"id": row.ours, "package": f"{row.dist} {version(row.dist)}", **checked(program, row)}
    if "the same steps" in (found.get("error") or ""):
        try:
            found["repeats_alone"] = repeats(row)
        except Exception as err:  # Then nobody knows.
            found["note"] = f"not repeated alone: {type(err).__name__}: {err}"
    elif found.get("error"):
        return found
    served = subprocess.Popen([program, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        turn, alone, bridged = rate(row.make()), [], []
        turn(0.1)
        for _ in range(ROUNDS):
            alone.append(turn(LOOP_SECS))
            served.stdin.write(f"{row.ours}, single\n")
            served.stdin.flush()
            bridged.append(float(served.stdout.readline()))
        found.update(alone=statistics.median(alone), bridged=statistics.median(bridged))
    except Exception as err:  # The bridge works, the loop beside it does not: that is told, too.
        found["note"] = f"not measured: {type(err).__name__}: {err}"
    finally:
        served.stdin.close()
        served.wait()
    return found


def main():
    _, library, program, out = sys.argv
    program, out = os.path.abspath(program), os.path.abspath(out)
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    os.environ["PYTHONPATH"] = here
    # Some packages leave files where they are started.
    os.chdir(tempfile.mkdtemp(prefix="worldsmith-survey-"))
    # Whatever the packages print, the figures go to the file.
    os.dup2(2, 1)
    found = []
    for row in rows()[library]:
        found.append(surveyed(program, row))
        print(json.dumps(found[-1]), file=sys.stderr)
    # Where things are on this machine is nobody's business.
    told = json.dumps(found, indent=1).replace(tempfile.gettempdir() + "/", "").replace(sys.prefix + "/", "")
    with open(out, "w", encoding="utf-8") as file:
        file.write(told + "\n")


if __name__ == "__main__":
    main()
