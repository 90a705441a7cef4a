"""worldsmith's Gymnasium worker, part 1 of 3: frames, and how values are laid out in them.

The three parts are one program, put together by config.rs. It is driven by frames over what it was started with as stdin
and stdout: a 32-bit little-endian length and as many bytes. The first frame that comes in is the configuration as JSON; the
answer, `P`, holds the spaces, laid out as in wire.rs, names of actions and the time limit.

Then each frame asks something of every environment: a byte for each (`R` reset, `S` step, `A` an action that nobody looks
at, because a vector environment resets by itself now, `N` nothing), and for each what belongs to it (`R`: a 64-bit seed;
`S`, `A`: an action). The answer is `S`, a byte for each (what kind of step), a float for each (its reward), and the
observations; or `E` and two texts. Inside observations and actions there are no tags and no lengths but those of texts: both
sides know the spaces.
"""
import sys

if sys.path and sys.path[0] == "":
    # What lies in the folder at hand can be imported, but never in place of Python's own modules and installed packages.
    sys.path.append(sys.path.pop(0))

import os
import signal

# Ctrl-C is for the parent, which ends its workers itself.
signal.signal(signal.SIGINT, signal.SIG_IGN)
# Keep the line to the parent to ourselves: whatever packages print goes to stderr, whatever they read is empty.
FROM_PARENT, TO_PARENT = os.dup(0), os.dup(1)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(2, 1)
# Many workers share the machine.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
if not os.environ.get("DISPLAY"):
    # What is drawn is drawn into memory.
    os.environ.setdefault("MUJOCO_GL", "egl")
    os.environ.setdefault("OFFSCREEN_RENDERING", "1")

import gc
import importlib
import json
import random
import socket
import struct
import traceback

DISCRETE, MULTI_DISCRETE, NUMBERS, IMAGE, TEXT, DICT = range(6)
FIRST, MID, TERMINATED, TRUNCATED, NOTHING = range(5)
# Smallest side of an array of bytes that is taken for a picture; smaller ones hold symbols.
MIN_PICTURE_PX = 16
# Frames up to this size are put together before they are sent.
SMALL_BYTES = 1 << 14


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

FLOAT = None if MISSING else np.dtype("<f4")
HEAD = struct.Struct("<I")


class Line:
    """What comes from the parent. Where there is a core to spare, the next frame is looked for again and again for a while
    before this process sleeps until it comes: being woken takes longer than most environments take for a step. When that was
    in vain, the next frames are slept for: one, then ever more. link.rs does the same."""

    N_TRIES, MOST_SLEPT = 40, 255

    def __init__(self):
        self.n_to_sleep = self.n_slept = 0
        self.socket = None

    def spare_a_core(self):
        try:
            self.socket = socket.socket(fileno=os.dup(FROM_PARENT))
        except OSError:
            # Pipes, where there are no pairs of sockets.
            pass

    def read(self):
        if self.n_to_sleep:
            self.n_to_sleep -= 1
        elif self.socket:
            for _ in range(self.N_TRIES):
                try:
                    data = self.socket.recv(1 << 16, socket.MSG_DONTWAIT)
                    self.n_slept = 0
                    return data
                except BlockingIOError:
                    pass
            self.n_to_sleep = self.n_slept = min(2 * self.n_slept + 1, self.MOST_SLEPT)
        return os.read(FROM_PARENT, 1 << 16)


LINE = Line()


def read_frame():
    """The next frame with its head, or nothing when the parent is gone. There is never more than one on its way."""
    data = LINE.read()
    while data and (len(data) < 4 or len(data) - 4 < HEAD.unpack_from(data)[0]):
        more = os.read(FROM_PARENT, 1 << 20)
        data = more and data + more
    return data


def write_frame(parts):
    """Sends parts, each of which is bytes or a flat view of bytes, as one frame."""
    n_bytes = sum(map(len, parts))
    head = HEAD.pack(n_bytes)
    if n_bytes < SMALL_BYTES or len(parts) > 500 or not hasattr(os, "writev"):
        rest = b"".join((head, *parts))
    else:
        # Without putting it together first.
        n_sent = os.writev(TO_PARENT, (head, *parts))
        rest = b"".join((head, *parts))[n_sent:] if n_sent < 4 + n_bytes else b""
    while rest:
        n_sent = os.write(TO_PARENT, rest)
        rest = rest[n_sent:] if n_sent < len(rest) else b""


def counts(*ns):
    return struct.pack(f"<{len(ns)}I", *ns)


def text(s):
    data = s.encode()
    return counts(len(data)) + data


# Parts: each knows one space, lays out its values and turns what the parent sent back into Gymnasium's form. `spec` is the
# space for the parent; `pack(x, out)` adds to a list of bytes; `unpack(frame, at)` returns the value and where it ends.

INT = struct.Struct("<q")


class Choice:
    def __init__(self, space):
        self.start = int(getattr(space, "start", 0))
        self.spec = struct.pack("<BI", DISCRETE, int(space.n))
        self.dtype = np.dtype(getattr(space, "dtype", None) or np.int64)

    def pack(self, x, out):
        out.append(INT.pack(int(x) - self.start))

    def unpack(self, frame, at):
        return self.dtype.type(INT.unpack_from(frame, at)[0] + self.start), at + 8

    def unpack_all(self, frame, at, n):
        return (np.frombuffer(frame, "<i8", n, at) + self.start).astype(self.dtype)


class Choices:
    def __init__(self, space):
        if isinstance(space, spaces.MultiBinary):
            nvec, self.start = np.full(space.shape, 2), 0
        else:
            nvec, self.start = np.asarray(space.nvec), getattr(space, "start", 0)
        self.shape, self.dtype = nvec.shape, space.dtype
        self.spec = struct.pack("<B", MULTI_DISCRETE) + counts(nvec.size, *nvec.ravel().tolist())

    def pack(self, x, out):
        out.append(np.ravel(np.asarray(x) - self.start).astype("<i8").tobytes())

    def unpack(self, frame, at):
        n = int(np.prod(self.shape))
        x = np.frombuffer(frame, "<i8", n, at).reshape(self.shape)
        return (x + self.start).astype(self.dtype), at + 8 * n

    def unpack_all(self, frame, at, n):
        x = np.frombuffer(frame, "<i8", n * int(np.prod(self.shape)), at).reshape(n, *self.shape)
        return (x + self.start).astype(self.dtype)


class Numbers:
    """A box of numbers. The parent clips observations to the bounds that the environment declares."""

    def __init__(self, space):
        self.shape, self.dtype = tuple(space.shape), np.dtype(space.dtype)
        self.n = int(np.prod(self.shape))
        bounds = [self.bound(space.low), self.bound(space.high)]
        self.spec = struct.pack("<B", NUMBERS) + counts(len(self.shape), *self.shape) + b"".join(bounds)

    def bound(self, x):
        """The largest numbers that there are stand for none, too."""
        with np.errstate(over="ignore"):
            x = np.broadcast_to(np.asarray(x), self.shape).astype("<f4")
        return np.where(np.abs(x) >= np.finfo("<f4").max, np.copysign(np.inf, x), x).astype("<f4").tobytes()

    def pack(self, x, out):
        if type(x) is not np.ndarray or x.dtype is not FLOAT:
            x = np.asarray(x, FLOAT)
        if x.size != self.n:
            raise ValueError(f"expected numbers of shape {self.shape}, got {x.shape}")
        out.append(x.tobytes())

    def unpack(self, frame, at):
        x = np.frombuffer(frame, "<f4", self.n, at).reshape(self.shape)
        return self.rounded(x), at + 4 * self.n

    def unpack_all(self, frame, at, n):
        return self.rounded(np.frombuffer(frame, "<f4", n * self.n, at).reshape(n, *self.shape))

    def rounded(self, x):
        # A copy either way: environments may write to what they are given.
        return (x if self.dtype.kind == "f" else np.rint(x)).astype(self.dtype)


class Picture:
    """An array of bytes of height, width and channels; one channel may come without its axis, or channels first."""

    def __init__(self, shape):
        shape = tuple(int(n) for n in shape)
        while len(shape) > 3:
            shape = shape[1:]
        self.axes = None
        if len(shape) == 3 and shape[2] not in (1, 3):
            self.axes, shape = (1, 2, 0), (*shape[1:], shape[0])
        self.shape = shape if len(shape) == 3 else (*shape, 1)
        self.n = int(np.prod(self.shape))
        self.spec = struct.pack("<B", IMAGE) + counts(*self.shape)

    @staticmethod
    def is_picture(space, flat_ones):
        """Whether a box holds a picture; `flat_ones` says whether one without an axis of channels counts."""
        shape = tuple(space.shape)
        while len(shape) > 3 and shape[0] == 1:
            shape = shape[1:]
        if len(shape) == 3 and shape[2] in (1, 3):
            sides = shape[:2]
        elif len(shape) == 3 and shape[0] in (1, 3):
            sides = shape[1:]
        else:
            sides = shape if flat_ones and len(shape) == 2 and np.all(np.asarray(space.high) == 255) else ()
        return np.dtype(space.dtype) == np.uint8 and len(sides) == 2 and min(sides) >= MIN_PICTURE_PX

    def pack(self, x, out):
        x = np.asarray(x)
        if self.axes:
            x = x.reshape(-1, *self.shape[:2]).transpose(self.axes)
        if x.dtype != np.uint8:
            x = np.clip(np.rint(x), 0, 255).astype("u1")
        if x.size != self.n:
            raise ValueError(f"expected a picture of shape {self.shape}, got {x.shape}")
        out.append(np.ascontiguousarray(x).reshape(-1).data)


class Words:
    def __init__(self, space):
        self.max_len = int(getattr(space, "max_length", 512))
        self.spec = struct.pack("<BI", TEXT, self.max_len)

    def pack(self, x, out):
        out.append(text(str(x)[: self.max_len]))

    def unpack(self, frame, at):
        end = at + 4 + struct.unpack_from("<I", frame, at)[0]
        return frame[at + 4 : end].decode(), end


class Parts:
    """Named parts, in the order of their names as the parent sorts them; a tuple's are named by their places."""

    def __init__(self, parts, as_tuple):
        self.parts, self.as_tuple = sorted(parts.items(), key=lambda part: str(part[0])), as_tuple
        named = (text(str(k)) + p.spec for k, p in self.parts)
        self.spec = struct.pack("<BI", DICT, len(parts)) + b"".join(named)

    def pack(self, x, out):
        for k, p in self.parts:
            p.pack(x[k], out)

    def unpack(self, frame, at):
        found = {}
        for k, p in self.parts:
            found[k], at = p.unpack(frame, at)
        return (tuple(found[k] for k in range(len(found))) if self.as_tuple else found), at


def part_of(space, config, is_action=False):
    """The part that speaks for `space`, of Gymnasium or alike."""
    if isinstance(space, (spaces.MultiDiscrete, spaces.MultiBinary)) or hasattr(space, "nvec"):
        return Choices(space)
    if isinstance(space, spaces.Discrete) or type(space).__name__ == "DiscreteSpace":
        return Choice(space)
    if isinstance(space, spaces.Box) or all(hasattr(space, name) for name in ("low", "high", "shape", "dtype")):
        symbols = is_action or config["obs"] == "symbolic"
        if not symbols and Picture.is_picture(space, flat_ones=not holds_symbols(config)):
            return Picture(space.shape)
        return Numbers(space)
    if isinstance(getattr(space, "spaces", None), dict):
        return Parts({k: part_of(s, config, is_action) for k, s in space.spaces.items()}, False)
    if isinstance(space, spaces.Tuple):
        return Parts({i: part_of(s, config, is_action) for i, s in enumerate(space)}, True)
    # MiniGrid's missions are text, though not a Text space.
    if isinstance(space, spaces.Text) or "MissionSpace" in (c.__name__ for c in type(space).__mro__):
        return Words(space)
    role = "actions" if is_action else "observations"
    raise Refused("space", f"{role} of type {type(space).__name__} are not supported: {space}")
