// Plays the page of a running server in headless Chromium, on a desk and on a phone, and keeps screenshots.
//
//     npm ci && node page.mjs http://127.0.0.1:7860/ [folder for screenshots]
//
// Chromium is found at $CHROMIUM or /usr/bin/chromium. Exits 1 with the first thing that is not as it should be.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { chromium } from 'playwright-core';

const [url, shots = 'shots'] = process.argv.slice(2);
assert(url, 'expected the address of a server, as in `node page.mjs http://127.0.0.1:7860/`');
await mkdir(shots, { recursive: true });

const QUIET = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: QUIET,
});

/** Opens the page, fails on any error in it or any request to elsewhere. */
async function open(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('request', (request) => {
    const home = new URL(url).host;
    if (request.url().startsWith('http') && new URL(request.url()).host !== home) errors.push(`asked ${request.url()}`);
  });
  await page.goto(url);
  await page.waitForSelector('#link[data-state=live]', { timeout: 60_000 });
  return { page, errors, close: () => context.close() };
}

const pixels = (page, id) =>
  page.$eval(`#${id}`, (canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 7);
  });
const until = (page, test, argument) => page.waitForFunction(test, argument, { timeout: 30_000 });
const stepIs = (page, n) => until(page, (want) => Number(document.getElementById('step').textContent) === want, n);

async function pauseAtStart(page, seed) {
  if ((await page.textContent('#pause')) === 'Pause') await page.click('#pause');
  await page.check('[name=who][value="0"]', { force: true });
  await page.fill('#seed', String(seed));
  await page.click('#reset');
  await stepIs(page, 0);
}

/** Both pictures after `n` single steps under one key. */
async function hold(page, key, n) {
  await pauseAtStart(page, 11);
  for (let i = 1; i <= n; i++) {
    await page.keyboard.press(key);
    await stepIs(page, i);
  }
  return [await pixels(page, 'real'), await pixels(page, 'dream')];
}

const passed = (what) => console.log(`ok  ${what}`);

async function desk() {
  const { page, errors, close } = await open({ viewport: { width: 1280, height: 800 }, colorScheme: 'dark' });
  assert.match(await page.textContent('#run'), /\w/);
  const actions = await page.$$('#pad button');
  assert(actions.length > 0, 'expected a button for each action');
  passed('the page loads and connects');

  await pauseAtStart(page, 11);
  const first = [await pixels(page, 'real'), await pixels(page, 'dream')];
  await page.click('#pause');
  await until(page, () => Number(document.getElementById('step').textContent) >= 5);
  assert.notEqual(await pixels(page, 'real'), first[0]);
  assert.notEqual(await pixels(page, 'dream'), first[1]);
  passed('both worlds move');

  const left = await hold(page, 'ArrowLeft', 3);
  const right = await hold(page, 'ArrowRight', 3);
  const again = await hold(page, 'ArrowLeft', 3);
  assert.notDeepEqual(left, right);
  assert.equal(left[0], again[0], 'the real world must repeat itself');
  assert.notEqual(left[0], right[0]);
  assert.notEqual(left[1], right[1]);
  passed('keys change both worlds, and the same seed and keys repeat them');

  // From the start again: games may end after a few steps.
  await pauseAtStart(page, 11);
  await page.keyboard.press('k');
  assert.equal(await page.textContent('#anchor-text'), 'every step');
  await page.keyboard.press('e');
  await stepIs(page, 1);
  assert.equal(await page.textContent('#horizon'), '0');
  await page.$eval('#anchor', (slider) => {
    slider.value = '0';
    slider.dispatchEvent(new Event('input'));
  });
  await page.keyboard.press('e');
  await stepIs(page, 2);
  assert.equal(await page.textContent('#horizon'), '1');
  passed('re-anchoring grounds the dream');

  const low = await page.$eval('#controls', (form) => form.getBoundingClientRect().bottom);
  assert(low <= 800, `all controls must be in sight, they end at ${low} px`);
  const who = (await page.isEnabled('[name=who][value="1"]')) ? '1' : '2';
  await page.check(`[name=who][value="${who}"]`, { force: true });
  await page.$eval('#fps', (slider) => {
    slider.value = '60';
    slider.dispatchEvent(new Event('input'));
  });
  await page.click('#pause');
  await until(page, () => Number(document.getElementById('rate').textContent) >= 15);
  await until(page, () => /ms/.test(document.getElementById('latency').textContent));
  passed(`somebody else plays, ${await page.textContent('#rate')} frames/s, ${await page.textContent('#latency')}`);

  // Long enough for the line of surprise to be worth looking at.
  await page.evaluate(() => new Promise((done) => {
    let left = 200;
    const next = () => (left-- > 0 ? requestAnimationFrame(next) : done());
    next();
  }));
  await page.screenshot({ path: `${shots}/desk.png` });
  await page.keyboard.press('h');
  await page.waitForSelector('#sheet[open]');
  await page.screenshot({ path: `${shots}/help.png` });
  assert.deepEqual(errors, []);
  passed('nothing was asked of anybody else, and nothing failed');
  await close();
}

async function phone() {
  const { page, errors, close } = await open({
    viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, isMobile: true, hasTouch: true, colorScheme: 'dark',
  });
  await pauseAtStart(page, 11);
  const before = await pixels(page, 'real');
  const button = await page.locator('#pad button').first();
  for (let i = 1; i <= 4; i++) {
    await button.tap();
    await stepIs(page, i);
  }
  assert.notEqual(await pixels(page, 'real'), before);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert(wide <= 390, `the page is ${wide} px wide on a screen of 390`);
  const box = await button.boundingBox();
  assert(box.height >= 44 && box.y + box.height <= 844, 'the action buttons must be large and in sight');
  passed('a phone plays by touch, and the page fits it');
  await page.locator('#pause').tap();
  await until(page, () => Number(document.getElementById('step').textContent) >= 4);
  await page.screenshot({ path: `${shots}/phone.png` });
  assert.deepEqual(errors, []);
  await close();
}

async function light() {
  const { page, errors, close } = await open({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
  await until(page, () => Number(document.getElementById('rate').textContent) >= 0);
  await page.screenshot({ path: `${shots}/light.png` });
  assert.deepEqual(errors, []);
  await close();
}

try {
  await desk();
  await phone();
  await light();
  console.log(`screenshots in ${shots}/`);
} finally {
  await browser.close();
}
