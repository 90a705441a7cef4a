// Which keys do what: read off the names of the actions.

const PARTS = [
  ['left', ['ArrowLeft', 'KeyA'], '\u2190'],
  ['right', ['ArrowRight', 'KeyD'], '\u2192'],
  ['up', ['ArrowUp', 'KeyW'], '\u2191'],
  ['down', ['ArrowDown', 'KeyS'], '\u2193'],
  ['fire', ['Space'], '\u25cf'],
];
const SAME = { forward: 'up', back: 'down', shoot: 'fire', jump: 'fire' };

/** The directions in a name: `UPLEFTFIRE` holds up, left and fire. */
function partsOf(name) {
  let text = name.toLowerCase();
  for (const [word, part] of Object.entries(SAME)) text = text.replace(word, part);
  return PARTS.filter(([part]) => text.includes(part)).map(([part]) => part);
}

const keyOf = (parts) => parts.slice().sort().join('+');

/** A plan of the keys for actions of these names; `idle` (or null) is the one that does nothing. */
export function planKeys(names, idle) {
  const byParts = new Map();
  const byDigit = new Map();
  const actions = names.map((name, index) => {
    const parts = index === idle ? [] : partsOf(name);
    if (parts.length > 0 && !byParts.has(keyOf(parts))) {
      byParts.set(keyOf(parts), index);
      const shown = PARTS.filter(([part]) => parts.includes(part));
      const label = shown.map(([part, , glyph]) => (part === 'fire' ? 'space' : glyph)).join(' ');
      return { index, name, label, glyph: shown.map((p) => p[2]).join('') };
    }
    if (index === idle || byDigit.size === 9) return { index, name, label: '', glyph: '' };
    const digit = byDigit.size + 1;
    byDigit.set(`Digit${digit}`, index);
    return { index, name, label: String(digit), glyph: '' };
  });
  const codes = new Map();
  const used = new Set([...byParts.keys()].flatMap((key) => key.split('+')));
  for (const [part, list] of PARTS) if (used.has(part)) for (const code of list) codes.set(code, part);
  for (const code of byDigit.keys()) codes.set(code, code);
  return { actions, codes, byParts, byDigit, idle };
}

/** The action for what is held: the exact combination, else the newest key alone, else idle (null: none). */
export function actionFor(plan, held) {
  const parts = [...new Set(held)];
  const newest = parts.at(-1);
  if (newest === undefined) return plan.idle;
  if (plan.byDigit.has(newest)) return plan.byDigit.get(newest);
  const moves = parts.filter((part) => !plan.byDigit.has(part));
  return plan.byParts.get(keyOf(moves)) ?? plan.byParts.get(newest) ?? plan.idle;
}
