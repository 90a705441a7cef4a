// The page: draws frames, turns keys and buttons into messages.

import { actionFor, planKeys } from './keys.js';
import { Link } from './link.js';
import { Spark } from './spark.js';
import * as wire from './wire.js';

const ANCHORS = [0, 1, 5, 15, 45];
const NAMES = ['you', 'agent', 'random'];
const TOAST_MS = 4000;

const $ = (id) => document.getElementById(id);
const spark = new Spark($('spark'));
const game = {
  hello: null,
  plan: planKeys([], null),
  /** Parts and digits whose keys or buttons are down, oldest first. */
  held: [],
  frame: null,
  playing: false,
  /** Was playing when the page was hidden. */
  resume: false,
  drawn: true,
  arrivals: [],
};

const link = new Link({
  state(name, text) {
    $('link').dataset.state = name;
    $('link').textContent = text;
  },
  hello: begin,
  trouble({ message, hint, fatal }) {
    toast(hint ? `${message}. ${hint}` : message, fatal);
  },
  frame(frame) {
    const now = performance.now();
    game.arrivals.push(now);
    const fresh = !game.frame || frame.step !== game.frame.step || frame.episode !== game.frame.episode;
    if (fresh) spark.add(frame);
    if (document.activeElement !== $('seed')) $('seed').value = String(frame.seed);
    game.frame = frame;
    game.drawn = false;
  },
  latency(ms) {
    $('latency').textContent = `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  },
});

/** A new session: tell it the settings, and go on playing if we were, or if there is an agent to watch. */
function begin(hello) {
  const known = game.hello !== null;
  game.hello = hello;
  game.plan = planKeys(hello.actions, hello.idle);
  game.frame = null;
  spark.clear();
  for (const radio of document.querySelectorAll('[name=who][value="1"], [name=sees]')) {
    radio.disabled = hello.agent === null;
  }
  if (!known) setRadio('who', hello.agent === null ? 0 : 1);
  buildPad();
  buildKeys();
  $('run').textContent ||= hello.env;
  if (known && readSeed() !== null) link.send(wire.reset(readSeed()));
  sendSettings();
  play(known ? game.playing : hello.agent !== null);
  if (!known && hello.agent === null) toast('Paused. Press play, or an action key.');
}

function sendSettings() {
  link.send(wire.who(radio('who')));
  link.send(wire.sees(radio('sees')));
  link.send(wire.anchor(ANCHORS[$('anchor').value]));
  link.send(wire.fps(Number($('fps').value)));
  link.send(wire.autoReset($('auto').checked));
  sendAct();
}

// ---- playing ----------------------------------------------------------------------------------------------------

function play(on) {
  game.playing = on;
  $('pause').textContent = on ? 'Pause' : 'Play';
  link.send(wire.pause(!on));
}

function single() {
  if (game.playing) play(false);
  link.send(wire.step());
}

function sendAct() {
  const action = actionFor(game.plan, game.held);
  if (action !== null && action !== undefined) link.send(wire.act(action));
}

function press(part) {
  if (game.held.includes(part)) return;
  game.held.push(part);
  sendAct();
  if (!game.playing) link.send(wire.step());
  if (radio('who') !== 0) toast(`${NAMES[radio('who')]} plays; press m to take over`);
}

function release(part) {
  if (!game.held.includes(part)) return;
  game.held = game.held.filter((other) => other !== part);
  sendAct();
}

function letGo() {
  game.held = [];
  sendAct();
}

function readSeed() {
  const text = $('seed').value.trim();
  return /^\d{1,19}$/.test(text) ? BigInt(text) : null;
}

function reset() {
  const seed = readSeed();
  if (seed === null) return toast('expected a whole number as seed');
  link.send(wire.reset(seed));
}

function nextSeed() {
  $('seed').value = String((readSeed() ?? 0n) + 1n);
  reset();
}

function takeOver() {
  setRadio('who', radio('who') === 0 && game.hello?.agent ? 1 : 0);
  link.send(wire.who(radio('who')));
}

// ---- drawing ----------------------------------------------------------------------------------------------------

function draw() {
  requestAnimationFrame(draw);
  if (game.drawn || !game.frame) return;
  game.drawn = true;
  const f = game.frame;
  paint($('real'), f.real);
  paint($('dream'), f.dream);
  $('real-ended').hidden = !f.realEnded;
  $('dream-ended').hidden = !f.dreamEnded;
  $('real-total').textContent = short(f.realTotal);
  $('dream-total').textContent = f.dreamTotal.toFixed(1);
  $('surprise').textContent = number(f.surprise, 3);
  $('uncertainty').textContent = number(f.uncertainty, 2);
  $('end').textContent = `${(100 * f.predictedEnd).toFixed(f.predictedEnd < 0.1 ? 1 : 0)} %`;
  $('horizon').textContent = String(f.horizon);
  $('step').textContent = String(f.step);
  if (f.stepUs > 0) $('step-time').textContent = `${(f.stepUs / 1000).toFixed(1)} ms`;
  for (const button of $('pad').children) {
    button.classList.toggle('held', Number(button.dataset.index) === f.action && f.step > 0);
  }
  spark.draw();
}

function paint(canvas, image) {
  if (canvas.width !== image.width || canvas.height !== image.height) {
    Object.assign(canvas, { width: image.width, height: image.height });
    fit();
  }
  canvas.getContext('2d').putImageData(image, 0, 0);
}

/** Scales both pictures by the largest whole number of device pixels that fits. */
function fit() {
  const scale = window.devicePixelRatio || 1;
  const taken = window.matchMedia('(min-width: 1080px)').matches ? 320 : window.innerHeight * 0.46;
  const room = Math.max(180, window.innerHeight - taken);
  for (const canvas of [$('real'), $('dream')]) {
    const wide = (canvas.parentElement.clientWidth * scale) / canvas.width;
    const high = (room * scale) / canvas.height;
    const times = Math.max(1, Math.floor(Math.min(wide, high)));
    canvas.style.width = `${(canvas.width * times) / scale}px`;
    canvas.style.height = `${(canvas.height * times) / scale}px`;
  }
}

const number = (x, digits) => (Number.isNaN(x) ? '\u2013' : x.toFixed(digits));
const short = (x) => (Number.isInteger(x) ? String(x) : x.toFixed(1));

let toastTimer = 0;
function toast(text, stay = false) {
  $('toast').textContent = text;
  $('toast').hidden = false;
  clearTimeout(toastTimer);
  if (!stay) toastTimer = setTimeout(() => ($('toast').hidden = true), TOAST_MS);
}

function countFrames() {
  const since = performance.now() - 1000;
  game.arrivals = game.arrivals.filter((at) => at > since);
  $('rate').textContent = String(game.arrivals.length);
}

// ---- controls ---------------------------------------------------------------------------------------------------

const radio = (name) => Number(document.querySelector(`[name=${name}]:checked`).value);
function setRadio(name, value) {
  document.querySelector(`[name=${name}][value="${value}"]`).checked = true;
}

function anchorText() {
  const every = ANCHORS[$('anchor').value];
  const text = every === 0 ? 'never' : every === 1 ? 'every step' : `every ${every} steps`;
  $('anchor-text').textContent = text;
  $('anchor').setAttribute('aria-valuetext', text);
}

function setAnchor(place) {
  $('anchor').value = String(place);
  anchorText();
  link.send(wire.anchor(ANCHORS[place]));
}

function setFps(fps) {
  $('fps').value = String(fps);
  $('fps-text').textContent = `${$('fps').value} steps/s`;
  link.send(wire.fps(Number($('fps').value)));
}

function buildPad() {
  const buttons = game.plan.actions
    .filter(({ index }) => index !== game.plan.idle)
    .map(({ index, name, label, glyph }) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.dataset.index = String(index);
      const parts = partsFor(index);
      if (glyph) button.append(span('glyph', glyph));
      button.append(name);
      if (label && label !== glyph) button.append(kbd(label));
      button.onpointerdown = (event) => {
        button.setPointerCapture(event.pointerId);
        parts.forEach(press);
      };
      button.onpointerup = button.onpointercancel = () => parts.forEach(release);
      button.oncontextmenu = (event) => event.preventDefault();
      return button;
    });
  $('pad').replaceChildren(...buttons);
}

/** What is held when the button of action `index` is: its directions, its digit, or a name of its own. */
function partsFor(index) {
  for (const [key, action] of game.plan.byParts) if (action === index) return key.split('+');
  for (const [digit, action] of game.plan.byDigit) if (action === index) return [digit];
  game.plan.byDigit.set(`button${index}`, index);
  return [`button${index}`];
}

function buildKeys() {
  const rows = game.plan.actions
    .filter(({ label }) => label)
    .map(({ name, label }) => {
      const row = document.createElement('tr');
      const [key, what] = [document.createElement('td'), document.createElement('td')];
      key.append(kbd(label));
      what.append(name);
      row.append(key, what);
      return row;
    });
  $('keys').replaceChildren(...rows);
}

function span(kind, text) {
  const element = document.createElement('span');
  element.className = kind;
  element.textContent = text;
  return element;
}

function kbd(text) {
  const element = document.createElement('kbd');
  element.textContent = text;
  return element;
}

const SHORTCUTS = {
  '.': () => play(!game.playing),
  p: () => play(!game.playing),
  e: single,
  m: takeOver,
  r: reset,
  n: nextSeed,
  k: () => setAnchor((Number($('anchor').value) + 1) % ANCHORS.length),
  '-': () => setFps(Number($('fps').value) - 5),
  '+': () => setFps(Number($('fps').value) + 5),
  '=': () => setFps(Number($('fps').value) + 5),
  h: () => $('sheet').showModal(),
  '?': () => $('sheet').showModal(),
};

/** Whether the focused control wants this key itself. */
function ownKeys({ target, key }) {
  if (target.matches('input[type=range], input[type=radio]')) return key.startsWith('Arrow') || key === ' ';
  return target.matches('button, input[type=checkbox]') && (key === ' ' || key === 'Enter');
}

// After a click or a tap the keys belong to the game again; a control reached by Tab keeps its own.
document.addEventListener('click', ({ detail, target }) => {
  if (detail > 0 && !target.matches('input[type=text]')) document.activeElement?.blur();
});

window.addEventListener('keydown', (event) => {
  const typing = event.target.matches('input[type=text]');
  if (typing && event.key === 'Enter') {
    event.preventDefault();
    event.target.blur();
    return reset();
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || $('sheet').open) return;
  if (ownKeys(event)) return;
  const part = game.plan.codes.get(event.code);
  if (part !== undefined) {
    event.preventDefault();
    if (!event.repeat) press(part);
  } else if (SHORTCUTS[event.key] && !event.repeat) {
    event.preventDefault();
    SHORTCUTS[event.key]();
  }
});
window.addEventListener('keyup', (event) => release(game.plan.codes.get(event.code)));
window.addEventListener('blur', letGo);
window.addEventListener('resize', fit);
document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    game.resume = game.playing;
    if (game.playing) play(false);
  } else if (game.resume) {
    play(true);
  }
});

$('pause').onclick = () => play(!game.playing);
$('single').onclick = single;
$('reset').onclick = reset;
$('reseed').onclick = nextSeed;
$('help').onclick = () => $('sheet').showModal();
$('anchor').oninput = () => setAnchor(Number($('anchor').value));
$('fps').oninput = () => setFps(Number($('fps').value));
$('auto').onchange = () => link.send(wire.autoReset($('auto').checked));
$('controls').onsubmit = (event) => event.preventDefault();
for (const input of document.querySelectorAll('[name=who]')) {
  input.onchange = () => link.send(wire.who(radio('who')));
}
for (const input of document.querySelectorAll('[name=sees]')) {
  input.onchange = () => link.send(wire.sees(radio('sees')));
}

fetch(`/api/info${location.search}`).then(async (answer) => {
  if (answer.status === 401) {
    return toast('This server wants a token: open the address that `worldsmith serve` printed.', true);
  }
  const info = await answer.json();
  const facts = Object.entries(info.facts).map(([name, value]) => `${name} ${value}`);
  $('run').textContent = [info.env, info.recipe, ...facts].filter(Boolean).join(' \u00b7 ');
  $('run').title = $('run').textContent;
});

anchorText();
fit();
setInterval(countFrames, 500);
requestAnimationFrame(draw);
