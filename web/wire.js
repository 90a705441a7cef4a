// The messages of /ws, byte by byte; docs/protocol.md says what they mean.

export const WHO = { you: 0, agent: 1, random: 2 };
const NO_ACTION = 65535;
const FRAME = 1;
const HEAD = 64;

function message(kind, bytes, put) {
  const view = new DataView(new ArrayBuffer(1 + bytes));
  view.setUint8(0, kind);
  if (put) put(view);
  return view.buffer;
}

export const act = (i) => message(1, 2, (v) => v.setUint16(1, i, true));
export const reset = (seed) => message(2, 8, (v) => v.setBigUint64(1, seed, true));
export const pause = (on) => message(3, 1, (v) => v.setUint8(1, on ? 1 : 0));
export const step = () => message(4, 0);
export const who = (player) => message(5, 1, (v) => v.setUint8(1, player));
export const anchor = (every) => message(6, 2, (v) => v.setUint16(1, every, true));
export const fps = (n) => message(7, 1, (v) => v.setUint8(1, n));
export const autoReset = (on) => message(8, 1, (v) => v.setUint8(1, on ? 1 : 0));
export const sees = (world) => message(9, 1, (v) => v.setUint8(1, world));
export const ping = (stamp) => message(10, 4, (v) => v.setUint32(1, stamp, true));

/** Reads a binary message: `{pong}` or a frame. */
export function read(buffer) {
  const view = new DataView(buffer);
  if (view.getUint8(0) !== FRAME) return { pong: view.getUint32(1, true) };
  const u32 = (at) => view.getUint32(at, true);
  const f32 = (at) => view.getFloat32(at, true);
  const flags = view.getUint8(1);
  const action = view.getUint16(4, true);
  const real = picture(view, HEAD);
  const dream = picture(view, real.end);
  return {
    realEnded: (flags & 1) !== 0,
    dreamEnded: (flags & 2) !== 0,
    anchored: (flags & 4) !== 0,
    paused: (flags & 8) !== 0,
    who: view.getUint8(2),
    action: action === NO_ACTION ? null : action,
    anchor: view.getUint16(6, true),
    step: u32(8),
    horizon: u32(12),
    episode: u32(16),
    stepUs: u32(20),
    dropped: u32(24),
    seed: view.getBigUint64(28, true),
    realTotal: f32(36),
    dreamTotal: f32(40),
    realReward: f32(44),
    dreamReward: f32(48),
    predictedEnd: f32(52),
    surprise: f32(56),
    uncertainty: f32(60),
    real: real.image,
    dream: dream.image,
  };
}

/** A picture that starts at byte `at`, and where it ends. */
function picture(view, at) {
  const width = view.getUint16(at, true);
  const height = view.getUint16(at + 2, true);
  const coded = view.getUint8(at + 4) === 1;
  const image = new ImageData(width, height);
  const pixels = image.data.fill(255);
  let from = at + 5;
  if (!coded) {
    for (let i = 0; i < width * height; i++) copyColour(view, from + 3 * i, pixels, i);
    return { image, end: from + 3 * width * height };
  }
  const palette = from + 1;
  from = palette + 3 * (view.getUint8(from) + 1);
  for (let i = 0; i < width * height; from += 2) {
    const colour = palette + 3 * view.getUint8(from + 1);
    for (let left = view.getUint8(from); left >= 0; left--) copyColour(view, colour, pixels, i++);
  }
  return { image, end: from };
}

function copyColour(view, from, pixels, i) {
  pixels[4 * i] = view.getUint8(from);
  pixels[4 * i + 1] = view.getUint8(from + 1);
  pixels[4 * i + 2] = view.getUint8(from + 2);
}
