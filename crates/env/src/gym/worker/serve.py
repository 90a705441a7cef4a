"""worldsmith's Gymnasium worker, part 3 of 3: what the parent asks for, done and answered."""

SEED = struct.Struct("<Q")
RESET, STEP, AUTO, ABSENT = b"RSAN"


def action_names(env):
    base, n = env.unwrapped, getattr(env.action_space, "n", None)
    base = getattr(base, "old", base)
    if hasattr(base, "get_action_meanings"):
        names = [str(name) for name in base.get_action_meanings()]
    elif isinstance(getattr(base, "actions", None), type):
        names = [str(getattr(a, "name", a)) for a in base.actions]
    else:
        names = list(getattr(base, "action_names", []))
    return names if isinstance(n, (int, np.integer)) and len(names) == n else []


def max_steps(env):
    """The time limit, counted by Gymnasium or by the environment itself; 0 if there is none or it varies."""
    base, limits = env.unwrapped, [getattr(env.spec, "max_episode_steps", None)]
    # What was not made by id has no spec.
    layer = env
    while isinstance(layer, gymnasium.Wrapper):
        limits.append(getattr(layer, "_max_episode_steps", None))
        layer = layer.env
    if getattr(base, "fixed_max_steps", True):
        limits.append(getattr(base, "max_steps", None))
    return min((n for n in limits if isinstance(n, int) and 0 < n < 2**31), default=0)


def spec(env, obs, action, names, n_repeats):
    limit = -(-max_steps(env) // n_repeats)
    return b"P" + obs.spec + action.spec + counts(len(names)) + b"".join(map(text, names)) + counts(limit)


def number(reward):
    """A reward as a number; some environments give none, or an array of one."""
    if type(reward) is float:
        return reward
    if reward is None:
        return 0.0
    return float(reward) if np.ndim(reward) == 0 else float(np.asarray(reward).item())


class Lane:
    """One environment."""

    def __init__(self, config):
        self.env = make(config)
        self.renders = config["obs"] == "render"
        # How often it repeats an action where the time limit does not know of it.
        outside = not is_ale(config) or config["max_pool"]
        self.n_repeats = (config["frame_skip"] or (4 if is_ale(config) else 1)) if outside else 1
        self.action = part_of(self.env.action_space, config, True)
        if self.renders:
            self.env.reset(seed=0)
            self.obs = Picture(np.shape(self.env.render()))
        else:
            self.obs = part_of(self.env.observation_space, config)

    def spec(self):
        return spec(self.env, self.obs, self.action, action_names(self.env), self.n_repeats)

    def reset(self, seed, out):
        # Some environments take no more than 31 bits, and some draw from what the whole process shares.
        seed %= 2**31
        random.seed(seed)
        np.random.seed(seed)
        obs, _ = self.env.reset(seed=seed)
        self.obs.pack(self.env.render() if self.renders else obs, out)

    def step(self, action, out):
        obs, reward, terminated, truncated, _ = self.env.step(action)
        self.obs.pack(self.env.render() if self.renders else obs, out)
        return TERMINATED if terminated else TRUNCATED if truncated else MID, number(reward)


class Lanes:
    """Environments that are stepped one after the other."""

    def close(self):
        for lane in self.lanes:
            lane.env.close()

    def __init__(self, config):
        self.lanes = [Lane(config) for _ in range(config["n_envs"])]
        self.n = len(self.lanes)
        self.rewards = struct.Struct(f"<{self.n}f")

    def spec(self):
        return self.lanes[0].spec()

    def answer(self, frame):
        at, out, kinds, rewards = 4 + self.n, [b""], bytearray(self.n), [0.0] * self.n
        for i, lane in enumerate(self.lanes, 4):
            asked, i = frame[i], i - 4
            if asked == STEP:
                action, at = lane.action.unpack(frame, at)
                kinds[i], rewards[i] = lane.step(action, out)
            elif asked == RESET:
                lane.reset(SEED.unpack_from(frame, at)[0], out)
                kinds[i], at = FIRST, at + 8
            else:
                kinds[i] = NOTHING
        out[0] = b"S" + kinds + self.rewards.pack(*rewards)
        return out


class Vector:
    """A vector environment of the package's own."""

    def close(self):
        self.envs.close()

    def __init__(self, config):
        self.envs, self.n = make_vector(config), config["n_envs"]
        self.action = part_of(self.envs.single_action_space, config, True)
        self.obs = part_of(self.envs.single_observation_space, config)
        if not hasattr(self.action, "unpack_all"):
            raise Refused("space", f"actions of a vector environment are not supported: {self.envs.single_action_space}")

    def spec(self):
        return spec(self.envs, self.obs, self.action, [], 1)

    def answer(self, frame):
        at, asked = 4 + self.n, np.frombuffer(frame, "u1", self.n, 4)
        if (asked == RESET).all():
            obs, _ = self.envs.reset(seed=SEED.unpack_from(frame, at)[0] % 2**31)
            kinds, rewards = np.full(self.n, FIRST, "u1"), np.zeros(self.n, "<f4")
        else:
            actions = self.action.unpack_all(frame, at, self.n)
            obs, rewards, terminated, truncated, _ = self.envs.step(actions)
            kinds = np.where(terminated, TERMINATED, np.where(truncated, TRUNCATED, MID)).astype("u1")
            kinds[asked == AUTO] = FIRST
            rewards = np.where(asked == AUTO, 0, rewards).astype("<f4")
        out = [b"S" + kinds.tobytes() + rewards.tobytes()]
        if isinstance(self.obs, Picture) and self.obs.axes is None:
            out.append(np.ascontiguousarray(obs).reshape(-1).data)
        elif isinstance(self.obs, Numbers):
            out.append(np.asarray(obs, "<f4").tobytes())
        else:
            for one in gymnasium.vector.utils.iterate(self.envs.observation_space, obs):
                self.obs.pack(one, out)
        return out


def complain(error):
    traceback.print_exc()
    message = str(error).strip() or type(error).__name__
    try:
        write_frame((b"E", text(getattr(error, "kind", "")), text(message)))
    except OSError:
        # The parent is gone.
        pass


def serve():
    """Makes what is asked for, and answers until the parent closes the line."""
    if MISSING:
        raise Refused("import", f"Python lacks a package: {MISSING}")
    config = json.loads(read_frame()[4:])
    register(config)
    served = Vector(config) if config["vector"] else Lanes(config)
    try:
        write_frame((served.spec(),))
        # What there is now stays: nobody needs to look for garbage in it.
        gc.collect()
        gc.freeze()
        if config["may_spin"]:
            LINE.spare_a_core()
        while frame := read_frame():
            write_frame(served.answer(frame))
    except Exception as error:
        # Said at once: closing may take its time.
        complain(error)
    finally:
        # Some leave files or processes behind if they are not told.
        served.close()


def main():
    try:
        serve()
    except Exception as error:
        complain(error)


main()
