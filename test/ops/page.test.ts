/** The status page in a real browser, on a real collector with traffic. Screenshots stay in test-artefacts/. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { Running, temporaryDirectory } from '../cli/child.ts';
import { requireProgram } from '../support/system-packages.ts';

const program = requireProgram('chromium');
const { skip } = program;
const ARTEFACTS = fileURLToPath(new URL('../../../test-artefacts/', import.meta.url));
const TOKEN = 'a-token-for-this-test';
/** Would be markup if anybody took it for that. */
const OUTPUT = `file:${temporaryDirectory()}/<img src=x onerror=alert(1)>.ndjson`;

const BROWSER_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const LONG_MS = 240_000;
const COLLECT = ['collect', '--listen', 'netflow://127.0.0.1:0', '--status-interval', '0', '--workers', '1'];

const start = (...args: string[]): Running => new Running(args, {}, true, LONG_MS);

/** Starts a collector and says where its page is. */
async function collect(...args: string[]): Promise<{ port: number; url: string }> {
  const collector = start(...COLLECT, '--http', '127.0.0.1:0', ...args);
  const port = await collector.port();
  return { port, url: /http:\/\/[\d.:]+/.exec(collector.stderr)![0] };
}

let browser: Browser;
let url = '';
let guarded = '';

if (skip === false) {
  mkdirSync(ARTEFACTS, { recursive: true });
  const collector = await collect('--output', OUTPUT);
  ({ url } = collector);
  ({ url: guarded } = await collect('--output', 'null:', '--http-token', TOKEN));
  const to = ['--to', `127.0.0.1:${collector.port}`];
  start('generate', ...to, '--exporters', '3', '--rate', '300', '--options');
  start('generate', ...to, '--version', '10', '--rate', '50', '--loss', '2%', '--seed', '2');
}
before(async () => {
  if (skip === false) browser = await chromium.launch({ executablePath: program.path, args: BROWSER_FLAGS });
});
after(() => browser?.close());

interface Visit {
  page: Page;
  /** What the browser complained of, and where it asked for something. */
  complaints: string[];
  hosts: Set<string>;
}

async function visit(at: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 }, ...options });
  const complaints: string[] = [];
  const hosts = new Set<string>();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => hosts.add(new URL(request.url()).origin));
  await page.goto(at);
  return { page, complaints, hosts };
}

const text = (id: string): string => `document.getElementById('${id}').textContent`;
const linePoints = "document.querySelector('#flows-chart path.water').getAttribute('d').split('L').length";

/** Waits until an expression holds; the page's policy does not let the browser do that by itself. */
async function until(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate(expression))) await page.waitForTimeout(50);
}

/** Waits until the numbers of the traffic are there. */
async function settled(page: Page): Promise<void> {
  await until(page, `/^[1-9]/.test(${text('flows-now')})`);
  await until(page, "document.querySelectorAll('#exporter-rows tr:not(.empty)').length >= 3");
  await until(page, `${linePoints} > 2`);
}

test('it shows what happens, loads nothing from elsewhere and breaks no rule of its policy', {
  skip,
}, async () => {
  const { page, complaints, hosts } = await visit(url);
  await settled(page);
  assert.equal(await page.textContent('#state'), 'ready');
  assert.match((await page.textContent('#exporter-rows'))!, /127\.0\.0\.1.*IPFIX/s);
  assert.equal(await page.textContent('#output-rows td'), OUTPUT);
  assert.match(await page.title(), /flows\/s – Millrace$/);
  assert.deepEqual([...hosts], [url]);
  assert.deepEqual(complaints, []);
  await page.screenshot({ path: join(ARTEFACTS, 'page-light.png'), fullPage: true });
  await page.close();
});

test('it has its colours in the dark', { skip }, async () => {
  const { page } = await visit(url, { colorScheme: 'dark' });
  await settled(page);
  const background = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  const brightness = background.match(/\d+/g)!.slice(0, 3).map(Number);
  assert.ok(Math.max(...brightness) < 64, background);
  await page.screenshot({ path: join(ARTEFACTS, 'page-dark.png'), fullPage: true });
  await page.close();
});

test('in a narrow window nothing is wider than the window, and no figure than its frame', {
  skip,
}, async () => {
  const { page } = await visit(url, { viewport: { width: 360, height: 800 } });
  await settled(page);
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
  const overflowing = await page.evaluate(
    "[...document.querySelectorAll('figure, .tile')].filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.innerText)",
  );
  assert.deepEqual(overflowing, []);
  await page.screenshot({ path: join(ARTEFACTS, 'page-narrow.png'), fullPage: true });
  await page.close();
});

test('nothing moves when numbers come', { skip }, async () => {
  for (const width of [1280, 375]) {
    const { page } = await visit('about:blank', { viewport: { width, height: 2600 } });
    await page.addInitScript(`
      globalThis.shifts = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) globalThis.shifts += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    `);
    await page.goto(url);
    await settled(page);
    const shifts = await page.evaluate<number>('shifts');
    assert.ok(shifts < 0.01, `${width}: ${shifts}`);
    await page.close();
  }
});

test('the keyboard reaches everything, and reads charts', { skip }, async () => {
  const { page } = await visit(url);
  await settled(page);
  const reached: string[] = [];
  for (let i = 0; i < 30 && reached.at(-1) !== 'ready '; i++) {
    await page.keyboard.press('Tab');
    const focused = "document.activeElement.textContent + ' ' + (document.activeElement.ariaLabel ?? '')";
    reached.push(await page.evaluate<string>(focused));
  }
  for (const name of [
    'Skip to exporters',
    'Pause',
    'Flows per second',
    'Load',
    'Exporters',
    'Receivers',
    'Outputs',
    'Ledger',
    'metrics',
  ]) {
    assert.ok(
      reached.some((stop) => stop.includes(name)),
      name,
    );
  }
  const chart = page.locator('#flows-chart .plot');
  await chart.focus();
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.locator('#flows-chart .cursor').getAttribute('visibility'), 'visible');
  assert.match((await chart.getAttribute('aria-label'))!, /^Flows per second: flows [\d.]+k?$/);
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#flows-chart .cursor').getAttribute('visibility'), 'hidden');
  await page.close();
});

test('pause stops the numbers, resume shows what came meanwhile', { skip }, async () => {
  const { page } = await visit(url);
  await settled(page);
  await page.click('#pause');
  assert.equal(await page.getAttribute('#pause', 'aria-pressed'), 'true');
  const paused = await page.textContent('#ledger-rows');
  // More than two turns of the page.
  await page.waitForTimeout(5_000);
  assert.equal(await page.textContent('#ledger-rows'), paused);
  await page.click('#pause');
  await until(page, `${text('ledger-rows')} !== ${JSON.stringify(paused)}`);
  await page.close();
});

test('with a token it asks for it, and keeps it for the tab', { skip }, async () => {
  const { page } = await visit(guarded);
  await page.waitForSelector('#token:not([hidden])');
  await page.fill('#token-text', `${TOKEN}-another`);
  await page.keyboard.press('Enter');
  await until(page, `${text('state')} === 'not the right token'`);
  assert.deepEqual(await page.locator('footer a:visible').allTextContents(), ['health', 'ready']);
  await page.fill('#token-text', TOKEN);
  await page.keyboard.press('Enter');
  await until(page, `${text('state')} === 'ready'`);
  assert.equal(await page.isVisible('#token'), false);
  await page.reload();
  await until(page, `${text('state')} === 'ready'`);
  await page.close();
});

test('an output that a reload has taken away stays in the table', { skip }, async () => {
  const file = join(temporaryDirectory(), 'millrace.yaml');
  writeFileSync(file, 'output: "null:?format=ndjson"\n');
  const collector = start(...COLLECT, '--http', '127.0.0.1:0', '--config', file);
  await collector.port();
  writeFileSync(file, 'output: "null:?format=msgpack"\n');
  collector.kill('SIGHUP');
  await collector.until('changed', () => collector.stderr.includes('changed: output'));
  const { page, complaints } = await visit(/http:\/\/[\d.:]+/.exec(collector.stderr)![0]);
  await until(page, "document.querySelectorAll('#output-rows tr:not(.empty)').length === 2");
  assert.match((await page.textContent('#output-rows'))!, /format=ndjson.*closed.*format=msgpack.*works/s);
  assert.deepEqual(complaints, []);
  await page.close();
});
