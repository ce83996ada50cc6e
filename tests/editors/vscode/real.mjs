// The real server and its built-in model: what a person gets, and how long it takes from a key to ghost text on the screen.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FILES as CARRY_FILES, carry } from './carry.mjs';
import * as latency from './latency.mjs';
import { whyText } from './scripted.mjs';
import { Suite, contains, equal } from './suite.mjs';
import { GHOST, Workbench, until } from './workbench.mjs';

/** A file of this repository that is typed into: kept up to a line, and typed on from there. */
const SOURCE = 'server/syntax/src/position.rs';
const KEPT = 60;
const TYPED = 4;
/** Milliseconds between keys, of which a person needs 100 to 200; more where the machine is busy with other things. */
const PACE = Number(process.env.PILOTLIGHT_TEST_PACE ?? 300);

export async function real({ folder, cache, vsix, artefacts, here }) {
  const suite = new Suite('real');
  const binary = process.env.PILOTLIGHT;
  if (!binary || !existsSync(binary)) throw new Error(`no server binary at ${binary}: cargo build --release -p pilotlight, or set PILOTLIGHT`);
  const root = join(here, '../../..');
  const lines = readFileSync(join(root, SOURCE), 'utf8').split('\n');
  const kept = `${lines.slice(0, KEPT).join('\n')}\n`;
  const tap = join(folder, 'tap.jsonl');
  const env = { PILOTLIGHT: join(here, 'tap.mjs'), PILOTLIGHT_TAP_BINARY: binary, PILOTLIGHT_TAP_LOG: tap };
  const bench = await Workbench.open({ folder, cache, vsix, artefacts, env, files: { 'src/position.rs': kept, 'src/accept.rs': kept, 'src/kept.rs': kept, '.pilotlightignore': 'kept.rs\n', ...CARRY_FILES } });
  const { page } = bench;
  const test = (description, run) => suite.test(description, run, bench);

  /** Types `text` key by key until ghost text stands; what it says. */
  async function typeUntilGhost(text) {
    for (const key of text) {
      await page.keyboard.type(key);
      await page.waitForTimeout(PACE * 4);
      const ghost = await bench.ghost();
      if (ghost.trim().length > 3) return ghost;
    }
    throw new Error(`no ghost text in ${text.length} keys of ${JSON.stringify(text)}`);
  }

  try {
    await test('the status bar names the model', async () => {
      await until('the status bar names it', async () => /ember/.test(await bench.status()), 120_000);
      await bench.closeAll();
    });

    await carry(bench, test);

    await test('ghost text while typing at a person’s pace', async () => {
      await bench.openFile('src/position.rs');
      await page.evaluate(latency.watch, GHOST);
      for (const line of lines.slice(KEPT, KEPT + TYPED)) {
        await page.keyboard.type(line.trim(), { delay: PACE });
        await page.keyboard.press('Enter');
      }
      await page.waitForTimeout(1_000);
      const seen = await page.evaluate(() => window.pilotlightSeen);
      const answers = existsSync(tap) ? readFileSync(tap, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : [];
      const samples = latency.join(seen, answers);
      const found = { keys: seen.keys.length, answers: answers.length, with_text: answers.filter(({ items }) => items > 0).length, ...latency.summary(samples) };
      writeFileSync(join(artefacts, 'latency.json'), JSON.stringify({ ...found, raw: samples }, null, 2));
      console.log(`      key to ghost text on screen, ms: ${JSON.stringify(found, (_, value) => (typeof value === 'number' ? Math.round(value * 100) / 100 : value))}`);
      if (samples.length < 3) throw new Error(`ghost text came ${samples.length} times in ${seen.keys.length} keys`);
    });

    await test('Tab takes what is shown', async () => {
      await bench.closeAll();
      await bench.openFile('src/accept.rs');
      const ghost = await typeUntilGhost('    let text = line.to_string();\n    for ');
      await bench.screenshot('20-real-ghost-text');
      await page.keyboard.press('Tab');
      await bench.seesNone(0).catch(() => undefined);
      await page.keyboard.press('Control+S');
      await until('the file has it', () => bench.read('src/accept.rs').slice(kept.length).includes(ghost.split('\n')[0]));
    });

    await test('Ctrl+Right takes a word of it', async () => {
      await page.keyboard.press('Enter');
      await typeUntilGhost('if let Some(position) = self.lines.get(0) { return ');
      await page.keyboard.press('Control+S');
      await until('all is saved', async () => (await page.locator('.tab.dirty').count()) === 0);
      await page.waitForTimeout(1_500);
      const before = bench.read('src/accept.rs');
      const ghost = await until('ghost text', () => bench.ghost());
      await page.keyboard.press('Control+ArrowRight');
      await page.keyboard.press('Control+S');
      const after = await until('the file has more', () => (bench.read('src/accept.rs').length > before.length ? bench.read('src/accept.rs') : undefined));
      const word = after.slice(before.length);
      if (!after.startsWith(before) || !ghost.startsWith(word)) throw new Error(`the ghost text ${JSON.stringify(ghost)} gave ${JSON.stringify(word)}`);
    });

    await test('Escape drops it, and off in the menu is off', async () => {
      await page.keyboard.press('Enter');
      await typeUntilGhost('if let Some(position) = self.lines.get(0) { return ');
      await page.keyboard.press('Escape');
      await bench.seesNone();
      await bench.menu('Turn off for rust');
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: off for rust');
      await bench.focus();
      const asked = readFileSync(tap, 'utf8').length;
      await page.keyboard.press('Enter');
      await page.keyboard.type('let text = line.to_string(); for', { delay: PACE });
      await bench.seesNone();
      equal(readFileSync(tap, 'utf8').length, asked, 'what the server was asked');
      await bench.menu('Turn on for rust');
      await until('the status bar names the model', async () => /ember/.test(await bench.status()));
    });

    await test('why this suggestion', async () => {
      await bench.menu('Why this suggestion');
      await bench.focus();
      await page.keyboard.press('Enter');
      await bench.type('while x', PACE);
      const text = await until('an answer of the model', async () => {
        const now = await whyText(page);
        return now.includes('prefix') ? now : undefined;
      });
      for (const part of ['src/accept.rs', 'prefix', 'In the server']) contains(text, part, 'the view');
      await bench.screenshot('21-real-why');
      await bench.closeAll();
    });

    await test('a file that is excluded: the status bar says so, and why', async () => {
      await bench.openFile('src/kept.rs');
      await bench.type('let text', PACE);
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: off here');
      const label = await page.locator('.statusbar-item[id*="pilotlight"] a').first().getAttribute('aria-label');
      contains(label, '.pilotlightignore excludes it', 'the status bar');
      await bench.closeAll();
    });

    await test('a model that is not here: the status bar and the menu say what to do', async () => {
      bench.settings({ 'pilotlight.engine.model': 'qwen2.5-coder-1.5b' }, true);
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: error');
      const label = await page.locator('.statusbar-item[id*="pilotlight"] a').first().getAttribute('aria-label');
      contains(label, '`pilotlight models pull qwen2.5-coder-1.5b` fetches', 'the status bar');
      await bench.menu('Choose the model');
      await page.locator('.quick-input-list .monaco-list-row', { hasText: /^\s*qwen2.5-coder-1.5b/ }).first().waitFor();
      await bench.screenshot('28-real-models');
      await page.locator('.quick-input-list .monaco-list-row', { hasText: /^\s*ember/ }).first().click();
      await until('the status bar names the model', async () => /ember/.test(await bench.status()));
      await bench.clearNotifications();
    });

    await test('doctor', async () => {
      await bench.menu('Run doctor');
      await until('its words', async () => /ember/.test(await page.locator('.editor-group-container.active .view-lines').innerText()), 60_000);
      await bench.screenshot('22-real-doctor');
    });
  } finally {
    await bench.close();
  }
  return suite;
}
