// The status page in a real Chromium: it shows what is there, live, in light and dark, and asks nobody but its own server.
//
// usage: node page.mjs CACHE ARTEFACTS     (CACHE is what tests/provision/vscode made; the pictures go to ARTEFACTS)
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Suite, contains, equal } from '../editors/vscode/suite.mjs';
import { Session } from '../editors/zed/session.mjs';
import { freePort, serve } from './serve.mjs';

const [cache, artefacts] = process.argv.slice(2);
const { chromium } = createRequire(join(cache, 'package.json'))('playwright-core');
const PYTHON = 'def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return ';
const RUST = 'fn main() {\n    let items = vec![1, 2, 3];\n    for item in ';
const folder = mkdtempSync(join(tmpdir(), 'pilotlight-page-'));

const ENV = { ...process.env, XDG_CONFIG_HOME: folder };
const serving = (...options) => serve(options, ENV);

const infill = (base, prefix, n, headers = {}) =>
  fetch(`${base}/infill`, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify({ input_prefix: prefix, n_predict: n }) }).then((answer) => answer.json());

const suite = new Suite('page');
const server = await serving();
const context = await chromium.launchPersistentContext(join(folder, 'chromium'), {
  executablePath: '/usr/bin/chromium', headless: true, colorScheme: 'light', viewport: { width: 1200, height: 1500 },
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = context.pages()[0] ?? (await context.newPage());
page.setDefaultTimeout(15_000);
const asked = new Set();
const errors = [];
page.on('request', (request) => asked.add(new URL(request.url()).protocol === 'data:' ? 'data:' : new URL(request.url()).origin));
page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
page.on('pageerror', (error) => errors.push(String(error)));
const text = (id) => page.locator(`#${id}`).innerText();
const look = (name) => page.screenshot({ path: join(artefacts, `${name}.png`), fullPage: true });

try {
  await suite.test('what is loaded, and that nothing has been asked yet', async () => {
    await page.goto(server.base);
    await page.locator('#live', { hasText: 'live' }).waitFor();
    contains(await text('model'), 'ember', 'the model');
    contains(await text('recent'), 'Nothing has been asked yet', 'the requests');
    await look('status-empty');
  });

  await suite.test('it is live: requests, tokens, stages and pages come without a reload', async () => {
    for (let n = 8; n <= PYTHON.length; n += 6) await infill(server.base, PYTHON.slice(0, n), 6);
    for (let n = 16; n <= RUST.length; n += 9) await infill(server.base, RUST.slice(0, n), 6);
    const last = await infill(server.base, PYTHON, 6);
    const rows = page.locator('#recent > table > tbody > tr');
    await page.waitForFunction(() => document.querySelectorAll('#recent > table > tbody > tr').length > 15);
    const first = await rows.first().innerText();
    for (const part of ['this machine', '/infill', String(last.timings.cache_n), String(last.timings.prompt_n)]) contains(first, part, 'the last request');
    contains(await text('users'), 'this machine', 'who asks');
    const status = await (await fetch(`${server.base}/status`)).json();
    await page.waitForFunction((pages) => document.querySelectorAll('#cache .page').length === pages, status.figures.cache.pages_used);
    equal(await page.locator('#stages .stage').count() >= 5, true, 'stages');
    equal(await page.locator('#course rect').count() >= 2, true, 'bars over time');
    await look('status-light');
  });

  await suite.test('dark, by the reader’s choice, with letters that can be read in both', async () => {
    const contrast = () => page.evaluate(() => {
      const light = (color) => {
        const [r, g, b] = color.match(/[\d.]+/g).slice(0, 3).map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const back = light(getComputedStyle(document.querySelector('section:not([hidden])')).backgroundColor);
      return [...document.querySelectorAll('h2, td, th, .soft, .state, .tile span')].filter((it) => it.offsetParent).map((it) => ratio(light(getComputedStyle(it).color), back)).sort((a, b) => a - b)[0];
    });
    const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [light, inLight] = [await back(), await contrast()];
    await page.emulateMedia({ colorScheme: 'dark' });
    const [dark, inDark] = [await back(), await contrast()];
    equal(light === dark, false, 'the same background');
    // WCAG 2.2, 1.4.3.
    if (Math.min(inLight, inDark) < 4.5) throw new Error(`the least contrast is ${inLight.toFixed(2)} in light and ${inDark.toFixed(2)} in dark`);
    await look('status-dark');
    await page.setViewportSize({ width: 400, height: 900 });
    equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'it fits on a telephone');
    await look('status-narrow');
    await page.setViewportSize({ width: 1200, height: 1500 });
  });

  await suite.test('it asks nobody else, and complains of nothing', async () => {
    asked.delete('data:');
    equal([...asked], [server.base], 'who was asked');
    equal(errors, [], 'errors');
    // Another server, which would let anybody in.
    const other = createServer((_, answer) => answer.writeHead(200, { 'Access-Control-Allow-Origin': '*' }).end('in'));
    await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${other.address().port}/`;
    equal(await (await fetch(url)).text(), 'in', 'from outside of the page');
    equal(await page.evaluate((url) => fetch(url).then(() => 'let through', () => 'refused'), url), 'refused', 'from the page');
    other.close();
    errors.length = 0;
  });

  await suite.test('what editors ask of the daemon is there too: what was taken, by language, and why', async () => {
    const env = { ...process.env, XDG_CONFIG_HOME: folder, XDG_STATE_HOME: folder, XDG_CACHE_HOME: folder, PILOTLIGHT_RUNTIME_DIR: join(folder, 'run') };
    const port = await freePort();
    const args = ['--set', `http.listen="127.0.0.1:${port}"`, '--set', 'completion.min-confidence=0', 'lsp'];
    const editor = await Session.start({ command: process.env.PILOTLIGHT, args, env: Object.entries(env) }, {}, {});
    try {
      const [item] = await editor.firstItems();
      await editor.request('workspace/executeCommand', item.command);
      await page.goto(`http://127.0.0.1:${port}/`);
      await page.locator('#languages td', { hasText: 'javascript' }).waitFor();
      const [name, offered, taken] = (await page.locator('#languages tbody tr').first().innerText()).split('\t');
      equal([name, taken, Number(offered) >= 1], ['javascript', '1', true], 'the language');
      const newest = page.locator('#recent > table > tbody > tr').first();
      contains(await newest.innerText(), 'cut-', 'the file');
      await newest.locator('summary').click();
      await newest.locator('details table', { hasText: 'prefix' }).waitFor();
      // It stays open, though all is drawn anew.
      await page.waitForTimeout(2500);
      await newest.locator('details table', { hasText: 'prefix' }).waitFor();
      await look('status-editors');
      const { stdout } = spawnSync(process.env.PILOTLIGHT, ['status'], { env, encoding: 'utf8' });
      contains(stdout, 'KV cache', '`pilotlight status`');
    } finally {
      await editor.end();
      spawnSync(process.env.PILOTLIGHT, ['stop'], { env });
    }
  });

  await suite.test('with tokens it asks for one; names are texts, whatever is in them', async () => {
    const tokens = join(folder, 'tokens');
    writeFileSync(tokens, '<b>ana</b> ana-0123456789abcdef\nbob bob-0123456789abcdef\n');
    const team = await serving('--tokens', tokens);
    try {
      await infill(team.base, PYTHON, 4, { Authorization: 'Bearer ana-0123456789abcdef' });
      await page.goto(team.base);
      await page.locator('#ask').waitFor();
      equal(await page.locator('#all').isVisible(), false, 'whether something is shown');
      await page.fill('#token', 'wrong-0123456789abcdef');
      await page.click('#ask button');
      await page.locator('#refused', { hasText: 'not one of this server' }).waitFor();
      await page.fill('#token', 'bob-0123456789abcdef');
      await page.click('#ask button');
      await page.locator('#all').waitFor();
      contains(await text('users'), '<b>ana</b>', 'who asks');
      await look('status-team');
    } finally {
      await team.stop();
    }
  });

  await suite.test('a server that is gone is told', async () => {
    await page.goto(server.base);
    await page.locator('#live', { hasText: 'live' }).waitFor();
    await server.stop();
    await page.locator('#live', { hasText: 'no answer since' }).waitFor();
  });
} finally {
  await context.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${suite.passed} passed, ${suite.failed} failed`);
process.exit(suite.failed === 0 ? 0 : 1);
