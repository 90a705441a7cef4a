"""worldsmith's Gymnasium worker, part 2 of 3: environments as they are asked for, in Gymnasium's form."""

# Which module registers an id that starts so.
MODULES = {
    "ALE/": "ale_py", "MiniGrid-": "minigrid", "BabyAI-": "minigrid", "dm_control/": "shimmy", "gym_pusht/": "gym_pusht",
    "highway-": "highway_env", "merge-": "highway_env", "roundabout-": "highway_env", "parking-": "highway_env",
    "intersection-": "highway_env", "racetrack-": "highway_env", "Vizdoom": "vizdoom.gymnasium_wrapper",
    "MiniHack-": "minihack", "NetHack": "nle", "Meta-World/": "metaworld", "Fetch": "gymnasium_robotics",
    "Hand": "gymnasium_robotics", "PointMaze_": "gymnasium_robotics", "AntMaze_": "gymnasium_robotics",
    "pointmaze-": "ogbench", "antmaze-": "ogbench", "cube-": "ogbench", "scene-": "ogbench", "puzzle-": "ogbench",
}


def is_ale(config):
    return config["id"].startswith("ALE/")


def is_grid(config):
    return config["id"].startswith(("MiniGrid-", "BabyAI-"))


def holds_symbols(config):
    """Whether arrays of bytes without channels are maps of characters."""
    return config["id"].startswith(("MiniHack-", "NetHack"))


def register(config):
    module = config["import"]
    if not module:
        module = next((m for start, m in MODULES.items() if config["id"].startswith(start)), None)
    if not module:
        return
    try:
        loaded = importlib.import_module(module)
    except ImportError as e:
        raise Refused("import", f"Python cannot import `{module}`: {e}") from e
    gymnasium.register_envs(loaded)
    # These are not registered by being imported.
    if hasattr(loaded, "register_robotics_envs"):
        loaded.register_robotics_envs()


def make(config):
    """The environment with its wrappers."""
    kwargs = dict(config["kwargs"])
    if config["obs"] == "render":
        kwargs["render_mode"] = "rgb_array"
    skip, sticky = config["frame_skip"], config["sticky"]
    if is_ale(config):
        # It repeats frames and actions itself, and the last action frame by frame.
        if config["max_pool"]:
            skip = skip or 4
            kwargs["frameskip"] = 1
        elif skip:
            kwargs["frameskip"], skip = skip, None
        if sticky is not None:
            kwargs["repeat_action_probability"], sticky = sticky, None
    env = view(from_entry(config, kwargs) if config["entry"] else from_registry(config, kwargs), config)
    return wrapped(env, skip, sticky, config["max_pool"])


class MaxAndSkip(object if MISSING else gymnasium.wrappers.MaxAndSkipObservation):
    """Gymnasium's own shows older frames, even of the episode before, when an episode ends before the last two of a step."""

    def step(self, action):
        seen, total = [], 0.0
        for _ in range(self._skip):
            obs, reward, terminated, truncated, info = self.env.step(action)
            seen = [*seen[-1:], np.array(obs)]
            total += float(reward)
            if terminated or truncated:
                break
        return np.max(seen, axis=0), total, terminated, truncated, info


def wrapped(env, skip, sticky, max_pool):
    """Innermost first: the time limit (already there), sticky actions, frame skip with or without a maximum."""
    wrappers = gymnasium.wrappers
    try:
        if sticky:
            env = wrappers.StickyAction(env, sticky)
        if max_pool:
            env = MaxAndSkip(env, skip)
        elif skip and skip > 1:
            env = wrappers.RepeatAction(env, skip)
    except (TypeError, ValueError) as e:
        raise Refused("option", f"it cannot be wrapped: {e}") from e
    return env


def from_registry(config, kwargs):
    if config["max_steps"]:
        kwargs["max_episode_steps"] = config["max_steps"]
        if is_grid(config):
            # These count for themselves.
            kwargs.setdefault("max_steps", config["max_steps"] if config["max_steps"] > 0 else 2**31)
    return refusing(lambda: gymnasium.make(config["id"], disable_env_checker=True, **kwargs))


def refusing(make_it):
    try:
        return make_it()
    except (gymnasium.error.UnregisteredEnv, ModuleNotFoundError) as e:
        raise Refused("unknown", str(e)) from e
    except gymnasium.error.DependencyNotInstalled as e:
        raise Refused("dependency", str(e)) from e


def from_entry(config, kwargs):
    """What `module:name` makes, whether or not it is Gymnasium's."""
    module, _, name = config["entry"].partition(":")
    try:
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as e:
        raise Refused("import", f"Python cannot find `{config['entry']}`: {e}") from e
    env = found(**kwargs)
    if not isinstance(env, gymnasium.Env):
        env = OldApi(env)
    if config["max_steps"] and config["max_steps"] > 0:
        env = gymnasium.wrappers.TimeLimit(env, config["max_steps"])
    return env


class OldApi(gymnasium.Env if not MISSING else object):
    """An environment of the time before Gymnasium: a step has four parts, a reset only an observation."""

    def __init__(self, old):
        self.old = old
        self.action_space, self.observation_space = old.action_space, old.observation_space

    def reset(self, *, seed=None, options=None):
        if callable(getattr(self.old, "seed", None)):
            self.old.seed(seed)
        elif hasattr(self.old, "_seed"):
            # Crafter's way: every episode is drawn from the seed and its number.
            self.old._seed, self.old._episode = seed, 0
        found = self.old.reset()
        return found if isinstance(found, tuple) and len(found) == 2 else (found, {})

    def step(self, action):
        found = self.old.step(action)
        if len(found) == 5:
            return found
        obs, reward, done, info = found
        truncated = bool(done and (info.get("TimeLimit.truncated") or info.get("discount", 0) > 0))
        return obs, reward, bool(done) and not truncated, truncated, info

    def render(self):
        return self.old.render()

    def close(self):
        if callable(getattr(self.old, "close", None)):
            self.old.close()


def view(env, config):
    mode = config["obs"]
    if mode == "auto":
        mode = "rgb" if is_grid(config) else "symbolic"
    if mode in ("rgb", "rgb_dict"):
        if not is_grid(config):
            raise Refused("option", f"`obs={mode}` is for MiniGrid and BabyAI; use `obs=render`")
        from minigrid.wrappers import ImgObsWrapper, RGBImgPartialObsWrapper

        cells = env.observation_space["image"].shape[0]
        tile = max(1, min(config["size"]) // cells) if config["size"] else 8
        env = RGBImgPartialObsWrapper(env, tile_size=tile)
        return ImgObsWrapper(env) if mode == "rgb" else env
    return env


def make_vector(config):
    """The package's own vector environment, which must reset in the step after a last one."""
    kwargs = dict(config["kwargs"])
    if is_ale(config):
        kwargs = {**ale_vector(config), **kwargs}
    elif config["max_steps"]:
        kwargs["max_episode_steps"] = config["max_steps"] if config["max_steps"] > 0 else 2**31 - 1
    spec = refusing(lambda: gymnasium.spec(config["id"]))
    if spec.vector_entry_point is None:
        raise Refused("option", "the package has no vector environment for it; leave `vector` away")
    envs = refusing(lambda: gymnasium.make_vec(
        config["id"], config["n_envs"], vectorization_mode="vector_entry_point", **kwargs
    ))
    mode = getattr(envs.metadata.get("autoreset_mode"), "name", None)
    if mode != "NEXT_STEP":
        raise Refused("option", f"expected a vector environment that resets in the step after the last one, got {mode}")
    return envs


def ale_vector(config):
    """ALE's own, as near to the single environment as it goes."""
    height, width = config["size"] or (210, 160)
    kwargs = dict(
        stack_num=1, img_height=height, img_width=width, grayscale=config["grey"], reward_clipping=False, noop_max=0,
        use_fire_reset=False, maxpool=config["max_pool"], frameskip=config["frame_skip"] or 4,
        repeat_action_probability=0.25 if config["sticky"] is None else config["sticky"],
    )
    if config["max_steps"]:
        # Counted in frames.
        kwargs["max_num_frames_per_episode"] = (
            config["max_steps"] * kwargs["frameskip"] if config["max_steps"] > 0 else 2**31 - 1
        )
    return kwargs
