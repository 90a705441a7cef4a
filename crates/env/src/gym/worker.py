"""worldsmith's Gymnasium worker: one environment, driven by frames over stdin and stdout.

A frame is a 32-bit little-endian length and as many bytes. The first frame that comes in is the configuration as JSON;
the answer holds the spaces. Then `R` + seed resets and `S` + action steps, each answered by `S` + step or `E` + reason.
Values and spaces are laid out as in wire.rs.
"""
import os
import signal

# Ctrl-C is for the parent, which ends its workers itself.
signal.signal(signal.SIGINT, signal.SIG_IGN)
# Keep the pipes to ourselves: whatever packages print goes to stderr, whatever they read is empty.
FROM_PARENT = os.fdopen(os.dup(0), "rb")
TO_PARENT = os.fdopen(os.dup(1), "wb")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(2, 1)
# Many workers share the machine.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import importlib
import json
import struct
import traceback

DISCRETE, MULTI_DISCRETE, NUMBERS, IMAGE, TEXT, DICT = range(6)
FIRST, MID, TERMINATED, TRUNCATED = range(4)
# Smallest side of an array of bytes that is taken for a picture; smaller ones hold symbols.
MIN_PICTURE_PX = 16
MODULES = {"ALE": "ale_py", "MiniGrid": "minigrid", "BabyAI": "minigrid"}


class Refused(Exception):
    """The environment cannot be made; `kind` tells the parent which hint to give."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


try:
    import numpy as np
    import gymnasium
    from gymnasium import spaces
except ImportError as e:
    MISSING = e
else:
    MISSING = None


# Frames.

def read_frame():
    head = FROM_PARENT.read(4)
    return FROM_PARENT.read(struct.unpack("<I", head)[0]) if len(head) == 4 else None


def write_frame(*parts):
    body = b"".join(parts)
    TO_PARENT.write(struct.pack("<I", len(body)) + body)
    TO_PARENT.flush()


def counts(*ns):
    return struct.pack(f"<{len(ns)}I", *ns)


def text(s):
    data = s.encode()
    return counts(len(data)) + data


def floats(xs):
    return np.ascontiguousarray(xs, dtype="<f4").tobytes()


class Reader:
    """Reads the values that the parent sends: actions."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def unpack(self, fmt):
        out = struct.unpack_from("<" + fmt, self.data, self.at)
        self.at += struct.calcsize("<" + fmt)
        return out

    def blob(self, n):
        self.at += n
        return self.data[self.at - n : self.at]

    def value(self):
        tag = self.unpack("B")[0]
        if tag == DISCRETE:
            return self.unpack("q")[0]
        if tag == MULTI_DISCRETE:
            return np.array(self.unpack(f"{self.unpack('I')[0]}q"))
        if tag == NUMBERS:
            shape = self.unpack(f"{self.unpack('I')[0]}I")
            return np.frombuffer(self.blob(4 * int(np.prod(shape))), "<f4").reshape(shape)
        if tag == TEXT:
            return self.blob(self.unpack("I")[0]).decode()
        if tag == DICT:
            parts = range(self.unpack("I")[0])
            return {self.blob(self.unpack("I")[0]).decode(): self.value() for _ in parts}
        raise ValueError(f"no action has tag {tag}")


# Parts: each knows one space, writes its values and turns what the parent sent back into Gymnasium's form.

class Choice:
    def __init__(self, space):
        self.start = int(space.start)
        self.spec = struct.pack("<BI", DISCRETE, int(space.n))

    def pack(self, x):
        return struct.pack("<Bq", DISCRETE, int(x) - self.start)

    def unpack(self, x):
        return np.int64(x + self.start)


class Choices:
    def __init__(self, space):
        if isinstance(space, spaces.MultiBinary):
            nvec, self.start = np.full(space.shape, 2), 0
        else:
            nvec, self.start = np.asarray(space.nvec), getattr(space, "start", 0)
        self.shape, self.dtype = nvec.shape, space.dtype
        self.spec = struct.pack("<B", MULTI_DISCRETE) + counts(nvec.size, *nvec.ravel().tolist())

    def pack(self, x):
        flat = np.ravel(np.asarray(x) - self.start).astype("<i8")
        return struct.pack("<BI", MULTI_DISCRETE, flat.size) + flat.tobytes()

    def unpack(self, x):
        return (x.reshape(self.shape) + self.start).astype(self.dtype)


class Numbers:
    """A box of numbers. Observations are clipped to the bounds the environment declares."""

    def __init__(self, space):
        self.shape, self.dtype = space.shape, space.dtype
        self.low, self.high = space.low.astype("<f4"), space.high.astype("<f4")
        self.head = struct.pack("<B", NUMBERS) + counts(len(self.shape), *self.shape)
        self.spec = self.head + floats(self.low) + floats(self.high)

    def pack(self, x):
        x = np.asarray(x, dtype="<f4").reshape(self.shape)
        if np.isnan(x).any():
            raise ValueError("the observation contains NaN")
        return self.head + floats(np.clip(x, self.low, self.high))

    def unpack(self, x):
        return (x if self.dtype.kind == "f" else np.rint(x)).astype(self.dtype)


class Picture:
    """An array of bytes of height, width and channels; one channel may come without its axis, or channels first."""

    def __init__(self, shape, size, grey):
        self.axes = None
        if len(shape) == 3 and shape[2] not in (1, 3):
            self.axes = (1, 2, 0)
            shape = (*shape[1:], shape[0])
        self.shape = shape if len(shape) == 3 else (*shape, 1)
        self.grey = grey and self.shape[2] == 3
        self.channels = 1 if grey else self.shape[2]
        self.size = tuple(size)
        self.fit = fitter(self.shape[:2], self.size)
        self.head = struct.pack("<B", IMAGE) + counts(*self.size, self.channels)
        self.spec = self.head

    @staticmethod
    def is_picture(space):
        shape = space.shape
        if len(shape) == 3 and shape[0] in (1, 3) and shape[2] not in (1, 3):
            shape = shape[1:]
        elif len(shape) == 3 and shape[2] in (1, 3):
            shape = shape[:2]
        return space.dtype == np.uint8 and len(shape) == 2 and min(shape) >= MIN_PICTURE_PX

    def pack(self, x):
        x = np.asarray(x)
        x = (x.transpose(self.axes) if self.axes else x).reshape(self.shape)
        if self.grey:
            x = (x @ np.array([0.299, 0.587, 0.114], dtype="f4"))[..., None]
        x = self.fit(x)
        if x.dtype != np.uint8:
            x = np.clip(np.rint(x), 0, 255).astype("u1")
        return self.head + x.tobytes()


class Words:
    def __init__(self, space):
        self.max_len = int(getattr(space, "max_length", 512))
        self.spec = struct.pack("<BI", TEXT, self.max_len)

    def pack(self, x):
        return struct.pack("<B", TEXT) + text(str(x)[: self.max_len])

    def unpack(self, x):
        return x


class Parts:
    def __init__(self, parts, as_tuple):
        self.parts, self.as_tuple = parts, as_tuple
        self.head = struct.pack("<BI", DICT, len(parts))
        self.spec = self.head + b"".join(text(str(k)) + p.spec for k, p in parts.items())

    def pack(self, x):
        return self.head + b"".join(text(str(k)) + p.pack(x[k]) for k, p in self.parts.items())

    def unpack(self, x):
        out = {k: p.unpack(x[str(k)]) for k, p in self.parts.items()}
        return tuple(out.values()) if self.as_tuple else out


def part_of(space, config, is_action):
    """The part that speaks for `space`."""
    if isinstance(space, spaces.Discrete):
        return Choice(space)
    if isinstance(space, (spaces.MultiDiscrete, spaces.MultiBinary)):
        return Choices(space)
    if isinstance(space, spaces.Box):
        if not is_action and Picture.is_picture(space):
            return Picture(space.shape, config["size"], config["grey"])
        return Numbers(space)
    if isinstance(space, spaces.Dict):
        return Parts({k: part_of(s, config, is_action) for k, s in space.items()}, False)
    if isinstance(space, spaces.Tuple):
        return Parts({i: part_of(s, config, is_action) for i, s in enumerate(space)}, True)
    # MiniGrid's missions are text, though not a Text space.
    if isinstance(space, spaces.Text) or "MissionSpace" in (c.__name__ for c in type(space).__mro__):
        return Words(space)
    role = "actions" if is_action else "observations"
    raise Refused("space", f"{role} of type {type(space).__name__} are not supported: {space}")


# Pictures.

def fitter(shape, size):
    """A function from pictures of `shape` to pictures of `size`: area means down, linear up, a black frame if only a
    little is missing."""
    if tuple(shape) == tuple(size):
        return lambda x: x
    gaps = [n - m for n, m in zip(size, shape)]
    if all(0 <= gap <= n // 8 for gap, n in zip(gaps, size)):
        frame = [(gap // 2, gap - gap // 2) for gap in gaps] + [(0, 0)]
        return lambda x: np.pad(x, frame)
    rows, cols = (mixing(m, n) for m, n in zip(shape, size))

    def resize(x):
        height, width, channels = x.shape
        y = (rows @ x.reshape(height, -1).astype("f4")).reshape(-1, width, channels)
        return np.matmul(cols, y)

    return resize


def mixing(n_in, n_out):
    """Row `i` holds how much each of `n_in` pixels gives to pixel `i` of `n_out`."""
    scale = n_in / n_out
    if scale >= 1:
        low = np.arange(n_out)[:, None] * scale
        at = np.arange(n_in)[None, :]
        weights = np.clip(np.minimum(low + scale, at + 1) - np.maximum(low, at), 0, None)
    else:
        centre = np.clip((np.arange(n_out)[:, None] + 0.5) * scale - 0.5, 0, n_in - 1)
        weights = np.clip(1 - np.abs(centre - np.arange(n_in)[None, :]), 0, None)
    return (weights / weights.sum(1, keepdims=True)).astype("f4")


# The environment.

def register(config):
    family = config["id"].replace("/", "-").split("-")[0]
    module = config["import"] or MODULES.get(family)
    if not module:
        return
    try:
        loaded = importlib.import_module(module)
    except ImportError as e:
        raise Refused("import", f"Python cannot import `{module}`: {e}") from e
    gymnasium.register_envs(loaded)


def make(config):
    """The environment with its wrappers, and whether the worker itself repeats frames and actions."""
    if MISSING:
        raise Refused("import", f"Python lacks a package: {MISSING}")
    register(config)
    kwargs = dict(config["kwargs"])
    is_ale = config["id"].startswith("ALE/")
    if is_ale and config["frame_skip"]:
        kwargs["frameskip"] = config["frame_skip"]
    if is_ale and config["sticky"] is not None:
        kwargs["repeat_action_probability"] = config["sticky"]
    if config["max_steps"]:
        kwargs["max_episode_steps"] = config["max_steps"]
        if is_grid(config):
            # These count for themselves.
            kwargs.setdefault("max_steps", config["max_steps"] if config["max_steps"] > 0 else 2**31)
    if config["obs"] == "render":
        kwargs["render_mode"] = "rgb_array"
    try:
        env = gymnasium.make(config["id"], disable_env_checker=True, **kwargs)
    except (gymnasium.error.UnregisteredEnv, ModuleNotFoundError) as e:
        raise Refused("unknown", str(e)) from e
    except gymnasium.error.DependencyNotInstalled as e:
        raise Refused("dependency", str(e)) from e
    return view(env, config), not is_ale


def is_grid(config):
    return config["id"].startswith(("MiniGrid-", "BabyAI-"))


def view(env, config):
    mode = config["obs"]
    if mode == "auto":
        mode = "rgb" if is_grid(config) else "symbolic"
    if mode in ("rgb", "rgb_dict"):
        if not is_grid(config):
            raise Refused("option", f"`obs={mode}` is for MiniGrid and BabyAI; use `obs=render`")
        from minigrid.wrappers import ImgObsWrapper, RGBImgPartialObsWrapper

        cells = env.observation_space["image"].shape[0]
        env = RGBImgPartialObsWrapper(env, tile_size=max(1, min(config["size"]) // cells))
        return ImgObsWrapper(env) if mode == "rgb" else env
    return env


def action_names(env):
    base, n = env.unwrapped, getattr(env.action_space, "n", None)
    if hasattr(base, "get_action_meanings"):
        names = [str(name) for name in base.get_action_meanings()]
    elif isinstance(getattr(base, "actions", None), type):
        names = [str(getattr(a, "name", a)) for a in base.actions]
    else:
        names = []
    return names if isinstance(env.action_space, spaces.Discrete) and len(names) == n else []


def max_steps(env):
    """The time limit, counted by Gymnasium or by the environment itself; 0 if there is none or it varies."""
    base, limits = env.unwrapped, [getattr(env.spec, "max_episode_steps", None)]
    if getattr(base, "fixed_max_steps", True):
        limits.append(getattr(base, "max_steps", None))
    return min((n for n in limits if isinstance(n, int) and 0 < n < 2**31), default=0)


class Session:
    def __init__(self, config):
        self.env, repeats_itself = make(config)
        self.renders, self.clips = config["obs"] == "render", config["clip_reward"]
        self.skip = (config["frame_skip"] or 1) if repeats_itself else 1
        self.sticky = (config["sticky"] or 0.0) if repeats_itself else 0.0
        self.action = part_of(self.env.action_space, config, True)
        if self.renders:
            self.env.reset(seed=0)
            self.obs = Picture(np.shape(self.env.render()), config["size"], config["grey"])
        else:
            self.obs = part_of(self.env.observation_space, config, False)

    def spec(self):
        names = action_names(self.env)
        limit = -(-max_steps(self.env) // self.skip)
        tail = counts(len(names)) + b"".join(map(text, names)) + counts(limit)
        return b"P" + self.obs.spec + self.action.spec + tail

    def reset(self, seed):
        # Some environments take no more than 31 bits.
        obs, _ = self.env.reset(seed=seed % 2**31)
        self.rng, self.last = np.random.default_rng(seed), None
        return self.answer(FIRST, obs, 0.0)

    def step(self, action):
        action = self.action.unpack(action)
        if self.sticky and self.last is not None and self.rng.random() < self.sticky:
            action = self.last
        self.last, total = action, 0.0
        for _ in range(self.skip):
            obs, reward, terminated, truncated, _ = self.env.step(action)
            total += float(reward)
            if terminated or truncated:
                break
        if self.clips:
            total = min(1.0, max(-1.0, total))
        return self.answer(TERMINATED if terminated else TRUNCATED if truncated else MID, obs, total)

    def answer(self, kind, obs, reward):
        seen = self.env.render() if self.renders else obs
        return struct.pack("<sBf", b"S", kind, reward) + self.obs.pack(seen)


def complain(error):
    traceback.print_exc()
    message = str(error).strip() or type(error).__name__
    write_frame(b"E", text(getattr(error, "kind", "")), text(message))


def main():
    try:
        session = Session(json.loads(read_frame()))
        write_frame(session.spec())
        while (frame := read_frame()) is not None:
            if frame[:1] == b"R":
                write_frame(session.reset(struct.unpack("<Q", frame[1:])[0]))
            else:
                write_frame(session.step(Reader(frame[1:]).value()))
    except Exception as error:
        complain(error)


main()
