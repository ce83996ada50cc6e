// A real VS Code workbench: code-server on loopback with the packaged extension, and Chromium to look at it and type.
import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { freePort } from '../../http/serve.mjs';

const CHROMIUM = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** Quicker and surer than the command palette. */
const KEYS = [
  { key: 'ctrl+alt+f1', command: 'workbench.action.files.saveAll' },
  { key: 'ctrl+alt+f2', command: 'workbench.action.closeAllEditors' },
  { key: 'ctrl+alt+f4', command: 'workbench.action.closePanel' },
  { key: 'ctrl+alt+f3', command: 'notifications.clearAll' },
];
export const GHOST = '.monaco-editor [class*="ghost-text"]';

/** Polls until `what` gives something true; the failure says what was waited for. */
export async function until(description, what, limit = 20_000) {
  const deadline = Date.now() + limit;
  for (;;) {
    const found = await what();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${limit} ms in vain: ${description}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export class Workbench {
  /**
   * @param folder scratch, empty
   * @param cache what tests/provision/vscode made
   * @param vsix the packaged extension
   * @param files of the workspace: path to text
   * @param opened what is opened, beside the files; else their folder
   * @param trusted whether VS Code asks nothing about trust, and trusts
   * @param env for the server and so for the extension host
   */
  static async open(options) {
    const bench = new Workbench();
    try {
      await bench.#start(options);
      return bench;
    } catch (error) {
      await bench.close();
      throw error;
    }
  }

  async #start({ folder, cache, vsix, artefacts, files, env, opened, trusted = true, settings = {} }) {
    const bench = Object.assign(this, { folder, artefacts, data: join(folder, 'data'), workspace: join(folder, 'workspace'), files });
    for (const [path, text] of Object.entries(files)) bench.write(path, text);
    bench.settings({
      'editor.wordBasedSuggestions': 'off',
      'editor.autoClosingBrackets': 'never',
      'editor.minimap.enabled': false,
      'files.autoSave': 'off',
      'chat.disableAIFeatures': true,
      'workbench.startupEditor': 'none',
      'window.autoDetectColorScheme': true,
      'workbench.secondarySideBar.defaultVisibility': 'hidden',
      ...settings,
    });
    writeFileSync(join(bench.data, 'User', 'keybindings.json'), JSON.stringify(KEYS));

    const node = join(cache, 'node24/bin/node');
    const entry = join(cache, 'node_modules/code-server/out/node/entry.js');
    writeFileSync(join(folder, 'config.yaml'), 'auth: none\n');
    const common = [entry, '--config', join(folder, 'config.yaml'), '--user-data-dir', bench.data, '--extensions-dir', join(folder, 'extensions')];
    // A daemon of this workbench's own.
    bench.environment = { PILOTLIGHT_RUNTIME_DIR: join(folder, 'run'), XDG_STATE_HOME: join(folder, 'state') };
    const environment = { ...process.env, ...bench.environment, ...env, PATH: `${join(cache, 'node24/bin')}:${process.env.PATH}` };
    execFileSync(node, [...common, '--install-extension', vsix], { env: environment, stdio: 'pipe' });

    const port = await freePort();
    const options = ['--auth', 'none', '--disable-telemetry', '--disable-update-check', '--disable-getting-started-override', ...(trusted ? ['--disable-workspace-trust'] : [])];
    const target = join(bench.workspace, opened ?? '');
    bench.server = spawn(node, [...common, '--bind-addr', `127.0.0.1:${port}`, ...options, target], { env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(join(artefacts, 'code-server.log'));
    bench.server.stdout.pipe(log);
    bench.server.stderr.pipe(log);
    const url = `http://127.0.0.1:${port}/`;
    await until('code-server answers', () => fetch(`${url}healthz`).then((response) => response.ok, () => false), 30_000);

    const { chromium } = createRequire(join(cache, 'package.json'))('playwright-core');
    bench.context = await chromium.launchPersistentContext(join(folder, 'chromium'), {
      executablePath: '/usr/bin/chromium',
      headless: true,
      colorScheme: 'dark',
      args: CHROMIUM,
      viewport: { width: 1440, height: 860 },
    });
    bench.page = bench.context.pages()[0] ?? (await bench.context.newPage());
    await bench.page.goto(`${url}?${opened ? 'workspace' : 'folder'}=${encodeURIComponent(target)}`, { waitUntil: 'commit', timeout: 60_000 });
    await bench.page.waitForSelector('.monaco-workbench .part.statusbar', { timeout: 120_000 });
    bench.page.setDefaultTimeout(20_000);
  }

  async close() {
    await this.context?.close();
    if (this.server && this.server.exitCode === null) {
      const gone = new Promise((resolve) => this.server.once('exit', resolve));
      // The group: code-server's own children too. All of them were started here.
      process.kill(-this.server.pid, 'SIGTERM');
      await gone;
    }
    if (this.folder && existsSync(join(this.folder, 'run'))) {
      execFileSync(process.env.PILOTLIGHT, ['stop'], { env: { ...process.env, ...this.environment }, stdio: 'pipe' });
    }
  }

  /** Writes a file of the workspace. */
  write(path, text) {
    const file = join(this.workspace, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  }

  read(path) {
    return readFileSync(join(this.workspace, path), 'utf8');
  }

  /** Changes user settings (`undefined` removes). Those of the machine are in a file of their own where the workbench is remote; that file alone is watched. */
  settings(changes, machine = false) {
    const file = join(this.data, machine ? 'Machine' : 'User', 'settings.json');
    mkdirSync(join(file, '..'), { recursive: true });
    const now = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    writeFileSync(file, JSON.stringify({ ...now, ...changes }, null, 2));
  }

  setting(name) {
    const file = join(this.data, 'User', 'settings.json');
    return JSON.parse(readFileSync(file, 'utf8'))[name];
  }

  /** A picture for a person to look at, once what moves has come to rest. */
  async screenshot(name) {
    await this.page.waitForTimeout(400);
    await this.page.screenshot({ path: join(this.artefacts, `${name}.png`) });
  }

  /** The text of the extension's status bar item. */
  async status() {
    const item = this.page.locator('.statusbar-item[id*="pilotlight"]');
    return (await item.count()) === 0 ? '' : (await item.first().innerText()).trim();
  }

  async openFile(path) {
    await this.page.keyboard.press('Control+P');
    await this.quickInput();
    await this.page.keyboard.type(path);
    const name = path.split('/').at(-1);
    // Until the list is filtered, its first row is another file.
    await this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: name }).waitFor();
    await this.page.keyboard.press('Enter');
    await this.page.waitForSelector(`.tab.active[data-resource-name="${name}"]`);
    await this.page.waitForSelector('.editor-group-container.active .monaco-editor .view-line');
    await this.focus();
  }

  /** Puts the cursor into the active editor's text. */
  async focus() {
    await this.page.locator('.editor-group-container.active .monaco-editor .view-lines').first().click();
    await this.page.keyboard.press('Control+End');
  }

  /** Types at a person's pace. */
  async type(text, delay = 40) {
    await this.page.keyboard.type(text, { delay });
  }

  /** Closes all editors. What was typed is saved first: nothing asks. */
  async closeAll() {
    await this.page.keyboard.press('Control+Alt+F1');
    await until('all is saved', async () => (await this.page.locator('.tab.dirty').count()) === 0);
    await this.page.keyboard.press('Control+Alt+F2');
    await until('all editors are closed', async () => (await this.page.locator('.tabs-container .tab').count()) === 0);
  }

  /** As at the beginning: nothing open, and every file as it was. */
  async reset() {
    for (let count = 0; count < 3; count++) await this.page.keyboard.press('Escape');
    await this.closeAll();
    await this.clearNotifications();
    for (const [path, text] of Object.entries(this.files)) this.write(path, text);
    // What was closed just now would be opened as it was then, until its watch has told of the change.
    await this.page.waitForTimeout(3_000);
  }

  async clearNotifications() {
    await this.page.keyboard.press('Control+Alt+F3');
    await until('no messages', async () => (await this.notifications().count()) === 0);
  }

  /** Chooses an entry of the menu behind the flame. */
  async menu(label) {
    await this.page.locator('.statusbar-item[id*="pilotlight"] a').first().click();
    // Else the item's tooltip stays in the way.
    await this.page.mouse.move(720, 500);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first().click();
  }

  /** The ghost text on the screen, as it reads; nothing where there is none. Its pieces, coloured as tokens, do not lie in the page in the order of reading. */
  async ghost() {
    const text = await this.page.evaluate((selector) => {
      const pieces = [...document.querySelectorAll(selector)].filter((piece) => !piece.querySelector('[class*="ghost-text"]'));
      const placed = pieces.map((piece) => ({ text: piece.textContent ?? '', box: piece.getBoundingClientRect() })).filter(({ box }) => box.height > 0);
      placed.sort((a, b) => Math.round(a.box.top - b.box.top) || a.box.left - b.box.left);
      return placed.map(({ text, box }, at) => (at > 0 && box.top - placed[at - 1].box.top > 4 ? `\n${text}` : text)).join('');
    }, GHOST);
    return text.replaceAll('\u00a0', ' ').replace(/[\u200b\u200c]/g, '').trimEnd();
  }

  /**
   * What the next edit looks like: the text that is struck through, the text that would come, and the hint. (What comes and the hint are content of style
   * sheets, which is no text of the page.)
   */
  async nextEdit() {
    return this.page.evaluate(() => {
      const spans = [...document.querySelectorAll('.monaco-editor .view-line span span')].filter((span) => span.getBoundingClientRect().height > 0);
      const after = spans.map((span) => getComputedStyle(span, '::after').content).filter((content) => /^".*"$/.test(content));
      const texts = after.map((content) => JSON.parse(content).replaceAll('\u00a0', ' '));
      return {
        removed: spans.filter((span) => getComputedStyle(span).textDecorationLine === 'line-through').map((span) => span.textContent.replaceAll('\u00a0', ' ')).join(''),
        inserted: texts.filter((text) => !text.includes('Enter to ')).join(''),
        hint: texts.filter((text) => text.includes('Enter to ')).join(''),
      };
    });
  }

  /** Waits until the next edit looks so. */
  async seesNextEdit(removed, inserted, hint, limit = 20_000) {
    const expected = JSON.stringify({ removed, inserted, hint });
    let seen;
    await until('', async () => (seen = JSON.stringify(await this.nextEdit())) === expected, limit).catch(() => {
      throw new Error(`the next edit:\n expected ${expected}\n found    ${seen}`);
    });
  }

  async seesNoNextEdit() {
    await this.seesNextEdit('', '', '');
  }

  /** Where the cursor is, as the status bar says it, such as `Ln 1, Col 8`. */
  async cursor() {
    return (await this.page.locator('.statusbar-item[id="status.editor.selection"]').innerText()).trim();
  }

  async cursorIs(place) {
    let seen = '';
    await until('', async () => (seen = await this.cursor()) === place, 5_000).catch(() => {
      throw new Error(`the cursor: expected ${place}, found ${seen}`);
    });
  }

  /** Waits until what is typed goes into the box at the top, of which the label says so. */
  async quickInput(label = '') {
    await this.page.waitForFunction((expected) => {
      const focused = document.activeElement;
      return focused?.tagName === 'INPUT' && focused.closest('.quick-input-widget') && (focused.getAttribute('aria-label') ?? '').includes(expected);
    }, label);
  }

  /** Runs a command of the palette by its whole title. */
  async command(title) {
    await this.page.keyboard.press('F1');
    await this.quickInput();
    await this.page.keyboard.type(title);
    const row = this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: title });
    await row.waitFor();
    await this.page.keyboard.press('Enter');
  }

  /** Puts the cursor at a place, counted from 1. */
  async goTo(line, column) {
    await this.page.keyboard.press('Control+G');
    await this.quickInput();
    await this.page.keyboard.type(`${line}:${column}`);
    await this.page.keyboard.press('Enter');
    await this.cursorIs(`Ln ${line}, Col ${column}`);
    // The cursor is there before the box at the top has given the keys back.
    await this.page.waitForFunction(() => document.activeElement?.closest('.editor-group-container.active .monaco-editor'));
  }

  /** Waits for ghost text that contains `text`. */
  async sees(text, limit = 20_000) {
    let seen = '';
    try {
      await until('', async () => (seen = await this.ghost()).includes(text), limit);
    } catch {
      throw new Error(`expected the ghost text ${JSON.stringify(text)}, found ${JSON.stringify(seen)}`);
    }
  }

  /** Waits until there is no ghost text, and sees that it stays so. */
  async seesNone(quiet = 700) {
    await until('the ghost text goes', async () => (await this.ghost()) === '', 3_000);
    await this.page.waitForTimeout(quiet);
    const seen = await this.ghost();
    if (seen !== '') throw new Error(`no ghost text was expected, found ${JSON.stringify(seen)}`);
  }

  /** Saves the active file, which must then read so. */
  async saves(path, expected) {
    await this.page.keyboard.press('Control+S');
    await until('', () => this.read(path) === expected, 5_000).catch(() => {
      throw new Error(`${path}:\n expected ${JSON.stringify(expected)}\n found    ${JSON.stringify(this.read(path))}`);
    });
  }

  /** The notifications on the screen. */
  notifications() {
    return this.page.locator('.notification-toast .notification-list-item');
  }

  /** The extension's log files, joined. */
  log() {
    const logs = join(this.data, 'logs');
    const files = existsSync(logs) ? readdirSync(logs, { recursive: true }).filter((file) => /Pilotlight.*\.log$/i.test(file)) : [];
    return files.map((file) => readFileSync(join(logs, file), 'utf8')).join('');
  }
}
