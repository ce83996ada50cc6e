// The client to the letter, with the scripted server: what is shown, what the server is told, and what a person reads when something is wrong.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALTERNATIVE } from './fake-server.mjs';
import { FILES as NEXT_EDIT_FILES, nextEdits } from './next-edit.mjs';
import { FILES as REWRITE_FILES, rewrites } from './rewrite.mjs';
import { Suite, contains, equal } from './suite.mjs';
import { Workbench, until } from './workbench.mjs';

const FILES = {
  'src/lib.rs': 'fn sum(items: &[u64]) -> u64 {\n',
  'src/words.rs': 'fn words(items: &[u64]) {\n',
  'src/lines.rs': 'fn lines(items: &[&str]) {\n',
  'src/cycle.rs': 'fn cycle(items: &[u64]) -> u64 {\n',
  'src/off.rs': 'fn off(items: &[u64]) -> u64 {\n',
  'src/again.rs': 'fn again(items: &[u64]) -> u64 {\n',
  'stats.py': 'items = [1, 2]\n',
  'broken.rs': '// broken\n',
  'odd.json': '{ "one": 1 }\n',
  'ignored.rs': 'fn ignored() {\n',
  ...NEXT_EDIT_FILES,
  ...REWRITE_FILES,
};
const BEGUN = '    let total = ';
const REST = 'items.iter().sum::<u64>();';

export async function scripted({ folder, cache, vsix, artefacts, here }) {
  const suite = new Suite('scripted');
  const messages = join(folder, 'messages.jsonl');
  const fake = join(here, 'fake-server.mjs');
  const bench = await Workbench.open({ folder, cache, vsix, artefacts, files: FILES, env: { PILOTLIGHT: fake, PILOTLIGHT_FAKE_LOG: messages } });
  const { page } = bench;
  const test = (description, run) => suite.test(description, run, bench);
  const received = (method) =>
    existsSync(messages)
      ? readFileSync(messages, 'utf8').trim().split('\n').map((line) => JSON.parse(line)).filter((message) => method === undefined || message.method === method)
      : [];
  const starts = () => received('(started)').length;

  /** Opens a file as it was, alone, and types at its end until the scripted completion stands there. */
  async function begin(path, text = BEGUN, ghost = REST) {
    await bench.closeAll();
    bench.write(path, FILES[path]);
    await bench.openFile(path);
    await bench.type(text);
    await bench.sees(ghost);
  }

  try {
    await test('the first run opens the walkthrough, and the status bar names the model', async () => {
      await until('the status bar says ember', async () => (await bench.status()) === 'ember', 120_000);
      await page.waitForSelector('text=Get Started with Pilotlight');
      await until('the step’s page', async () => (await frameText(page))?.includes('looked for in this order'));
      await bench.screenshot('01-first-run');
      await bench.closeAll();
    });

    await test('ghost text appears while typing, and Tab takes all of it', async () => {
      const before = received('workspace/executeCommand').length;
      await begin('src/lib.rs');
      await bench.screenshot('02-ghost-text');
      const [shown] = received('textDocument/didShowCompletion').slice(-1);
      equal(shown?.params.item.insertText, REST, 'didShowCompletion');
      await page.keyboard.press('Tab');
      await bench.saves('src/lib.rs', `${FILES['src/lib.rs']}${BEGUN}${REST}`);
      const accepted = await until('the server is told', () => received('workspace/executeCommand')[before]);
      equal(accepted.params.command, 'pilotlight.accept', 'the command');
      equal(accepted.params.arguments, shown.params.item.command.arguments, 'its arguments');
      equal(received('textDocument/didPartiallyAcceptCompletion').length, 0, 'partial accepts');
    });

    await test('requests carry the document’s version and indentation', () => {
      const [request] = received('textDocument/inlineCompletion').slice(-1);
      const changes = received('textDocument/didChange').filter(({ params }) => params.textDocument.uri === request.params.textDocument.uri);
      const versions = changes.map(({ params }) => params.textDocument.version);
      if (!versions.includes(request.params.textDocument.version)) throw new Error(`version ${request.params.textDocument.version} is none of ${versions}`);
      equal(request.params.formattingOptions, { tabSize: 4, insertSpaces: true }, 'formattingOptions');
    });

    await test('what VS Code’s own checkers report of a document is told', async () => {
      await bench.closeAll();
      bench.write('odd.json', FILES['odd.json']);
      await bench.openFile('odd.json');
      await bench.type('oops');
      const told = () => received('pilotlight/didChangeDiagnostics').map(({ params }) => params).filter(({ textDocument }) => textDocument.uri.endsWith('/odd.json'));
      await until('the report', () => told().some(({ diagnostics }) => diagnostics.some(({ range, message }) => range.start.line === 1 && message.length > 0)));
    });

    await test('what was reported is told to the next server', async () => {
      await bench.openFile('odd.json');
      const told = () => received('pilotlight/didChangeDiagnostics').filter(({ params }) => params.textDocument.uri.endsWith('/odd.json') && params.diagnostics.length > 0);
      if (told().length === 0) await bench.type('oops');
      await until('the report', () => told().length > 0);
      const before = told().at(-1).pid;
      await bench.menu('Restart');
      await until('the report to another process', () => told().at(-1).pid !== before);
      await until('the status bar says ember', async () => (await bench.status()) === 'ember');
    });

    await test('Ctrl+Right takes a word, and the server is told how much', async () => {
      const whole = received('workspace/executeCommand').length;
      await begin('src/words.rs');
      await page.keyboard.press('Control+ArrowRight');
      const partly = await until('the server is told', () => received('textDocument/didPartiallyAcceptCompletion')[0]);
      equal([partly.params.item.insertText, partly.params.acceptedLength], [REST, 'items'.length], 'the item and the length');
      await bench.sees('.iter().sum::<u64>();');
      await bench.screenshot('03-after-a-word');
      await bench.saves('src/words.rs', `${FILES['src/words.rs']}${BEGUN}items`);
      equal(received('workspace/executeCommand').length, whole, 'whole accepts');
    });

    await test('a line is taken by the extension’s own key', async () => {
      await begin('src/lines.rs', '    for item ', 'in items {');
      await bench.screenshot('04-several-lines');
      await page.keyboard.press('Control+Alt+ArrowRight');
      const line = 'in items {\n';
      await until('the server is told', () => received('textDocument/didPartiallyAcceptCompletion').some(({ params }) => params.acceptedLength === line.length));
      await bench.sees('println!("{item}");');
      await bench.saves('src/lines.rs', `${FILES['src/lines.rs']}    for item ${line}`);
    });

    await test('alternatives come by VS Code’s own keys', async () => {
      await begin('src/cycle.rs');
      await page.keyboard.press('Alt+]');
      await bench.sees(ALTERNATIVE);
      await page.keyboard.press('Alt+[');
      await bench.sees(REST);
      await page.keyboard.press('Alt+]');
      await bench.sees(ALTERNATIVE);
      await page.keyboard.press('Tab');
      await bench.saves('src/cycle.rs', `${FILES['src/cycle.rs']}${BEGUN}${ALTERNATIVE}`);
    });

    await test('Escape dismisses, and Tab is a Tab again', async () => {
      await begin('src/off.rs');
      await page.keyboard.press('Escape');
      await bench.seesNone();
      await page.keyboard.press('Tab');
      await bench.saves('src/off.rs', `${FILES['src/off.rs']}${BEGUN}    `);
    });

    await test('the menu behind the flame', async () => {
      await page.locator('.statusbar-item[id*="pilotlight"] a').first().click();
      await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Turn off for rust' }).first().waitFor();
      await bench.screenshot('05-menu');
      await page.keyboard.press('Escape');
    });

    await test('off for a language: no ghost text, the server is not asked, the status bar says so', async () => {
      await bench.openFile('src/again.rs');
      await bench.menu('Turn off for rust');
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: off for rust');
      await bench.focus();
      const before = received('textDocument/inlineCompletion').length;
      await bench.type(BEGUN);
      await bench.seesNone();
      await bench.screenshot('06-off-for-rust');
      equal(received('textDocument/inlineCompletion').length, before, 'requests');
      await begin('stats.py', 'total', ' = sum(items)');
      equal(await bench.status(), 'ember', 'the status bar in a Python file');
      await bench.openFile('src/off.rs');
      await bench.menu('Turn on for rust');
      await until('the status bar says so', async () => (await bench.status()) === 'ember');
      await begin('src/again.rs');
    });

    await test('off everywhere takes away what is shown; the workspace can differ', async () => {
      await bench.menu('Turn off everywhere');
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: off everywhere');
      equal(bench.setting('pilotlight.completion.enabled'), false, 'the setting');
      await bench.seesNone();
      await bench.menu('Turn on in this workspace');
      await until('the status bar says so', async () => (await bench.status()) === 'ember');
      equal(JSON.parse(bench.read('.vscode/settings.json')), { 'pilotlight.completion.enabled': true }, 'the workspace’s settings');
      await bench.menu('Turn off in this workspace');
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: off everywhere');
      await bench.menu('Turn on everywhere');
      await until('the status bar says so', async () => (await bench.status()) === 'ember');
      equal(bench.setting('pilotlight.completion.enabled'), undefined, 'the setting');
    });

    await nextEdits(bench, test, received);
    await rewrites(bench, test, received, messages);

    await test('why this suggestion: segments, tokens and milliseconds, kept current', async () => {
      await begin('src/again.rs');
      await bench.menu('Why this suggestion');
      const text = await whyText(page);
      const parts = ['src/again.rs', '146', 'suffix', '78', 'src/sum.rs:31', '2.8', 'src/other.rs:12', 'no room for it', 'src/like.rs:7', '72 of 100', 'In the server', '14.9', '83 %'];
      for (const part of parts) contains(text, part, 'the view');
      await bench.screenshot('07-why');
      await bench.focus();
      await page.keyboard.press('Enter');
      await bench.type('qqq');
      await until('the view says why there is none', async () => (await frameText(page)).includes('the model has nothing to add here'));
      await bench.screenshot('08-why-none');
      await bench.closeAll();
    });

    await test('doctor, in a page', async () => {
      await bench.menu('Run doctor');
      await page.waitForSelector('.tab.active[data-resource-name="Pilotlight Doctor"]');
      await until('its words', async () => (await page.locator('.editor-group-container.active .view-lines').innerText()).replaceAll('\u00a0', ' ').includes('All is well'));
      await bench.screenshot('09-doctor');
      await bench.closeAll();
    });

    await test('an error of the server is in the status bar', async () => {
      await bench.openFile('broken.rs');
      await until('red', async () => (await page.locator('.statusbar-item.error-kind[id*="pilotlight"]').count()) === 1);
      await page.locator('.statusbar-item[id*="pilotlight"]').first().hover();
      await page.locator('.workbench-hover', { hasText: 'attn_q' }).first().waitFor();
      await bench.screenshot('10-server-error');
      await bench.closeAll();
      await until('the status bar says ember', async () => (await bench.status()) === 'ember');
    });

    await test('a file that the server leaves alone: the status bar says so, and why', async () => {
      await bench.openFile('ignored.rs');
      await bench.type('    let x');
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: off here');
      await page.locator('.statusbar-item[id*="pilotlight"]').first().hover();
      await page.locator('.workbench-hover', { hasText: '.gitignore excludes it' }).first().waitFor();
      await bench.screenshot('15-off-here');
      await page.mouse.move(720, 500);
      await bench.openFile('stats.py');
      await until('elsewhere it does not', async () => (await bench.status()) === 'ember');
      await bench.openFile('ignored.rs');
      await until('here it does', async () => (await bench.status()) === 'Pilotlight: off here');
      await bench.closeAll();
    });

    await test('a model is chosen from a list: fetched, set, and the server started with it; what cannot be fetched is told', async () => {
      const argv = () => received('(started)').at(-1).argv;
      await bench.menu('Choose the model');
      await page.locator('.quick-input-list .monaco-list-row', { hasText: 'gone' }).first().waitFor();
      await bench.screenshot('16-models');
      await page.locator('.quick-input-list .monaco-list-row', { hasText: 'gone' }).first().click();
      await bench.notifications().filter({ hasText: 'gone was not fetched' }).waitFor();
      await bench.screenshot('17-model-not-fetched');
      equal(argv(), ['lsp'], 'the command line');
      await bench.clearNotifications();
      await bench.menu('Choose the model');
      await page.locator('.quick-input-list .monaco-list-row', { hasText: /^\s*small/ }).first().click();
      await until('the server is started with it', () => argv().includes('engine.model="small"'));
      equal(received('models pull').map(({ name }) => name), ['gone', 'small'], 'what was fetched');
      await until('the status bar says ember', async () => (await bench.status()) === 'ember');
      if (!argv().includes('engine.remote.url=""')) throw new Error('a server that the user’s file names would be asked in its place');
      bench.settings({ 'pilotlight.engine.remote.url': 'http://127.0.0.1:9', 'pilotlight.engine.model': 'gone' }, true);
      await until('the server is started with them', () => argv().includes('engine.remote.url="http://127.0.0.1:9"'));
      await until('the status bar says ember', async () => (await bench.status()) === 'ember');
      await bench.menu('Choose the model');
      await page.locator('.quick-input-box input[placeholder*="http://127.0.0.1:9"]').waitFor();
      await page.locator('.quick-input-list .monaco-list-row', { hasText: /^\s*ember/ }).first().click();
      await until('the server is started with ember', () => argv().includes('engine.model="ember"'));
      await until('the other server is let go', () => argv().includes('engine.remote.url=""'));
      await until('the status bar says ember', async () => (await bench.status()) === 'ember');
      bench.settings({ 'pilotlight.engine.model': undefined }, true);
      await until('the server is started without it', () => argv().length === 1);
      await until('the status bar says ember', async () => (await bench.status()) === 'ember');
      await page.keyboard.press('Control+Alt+F4');
      await bench.closeAll();
    });

    await test('a server that is killed: one message, the status bar, no restart unasked; Restart works', async () => {
      await begin('src/again.rs');
      const before = starts();
      const { pid } = received('(started)').at(-1);
      process.kill(pid, 'SIGKILL');
      await bench.notifications().filter({ hasText: 'SIGKILL' }).waitFor();
      await page.waitForTimeout(1_500);
      equal(await bench.status(), 'Pilotlight: not running', 'the status bar');
      equal(await bench.notifications().count(), 1, 'messages');
      equal(starts(), before, 'starts');
      await bench.screenshot('11-killed');
      await bench.notifications().locator('.monaco-button', { hasText: 'Restart' }).click();
      await until('the status bar says ember', async () => (await bench.status()) === 'ember');
      equal(starts(), before + 1, 'starts');
      await begin('src/lib.rs');
    });

    await test('a restart by the menu ends the old process', async () => {
      const { pid } = received('(started)').at(-1);
      await bench.menu('Restart');
      await until('another process', () => received('(started)').at(-1).pid !== pid);
      await until('the status bar says ember', async () => (await bench.status()) === 'ember');
      await until('the old one is gone', () => !alive(pid));
      if (!received('shutdown').some((message) => message.pid === pid)) throw new Error('it was not asked to shut down');
    });

    await test('what the daemon is set by ends the daemon, and the next one has it', async () => {
      const started = () => received().filter(({ method }) => method === '(started)' || method === '(stop)').at(-1);
      const before = received('(stop)').length;
      bench.settings({ 'pilotlight.http.listen': '127.0.0.1:9' }, true);
      await until('the server is started with it', () => received('(started)').at(-1).argv.includes('http.listen="127.0.0.1:9"'));
      equal(received('(stop)').length, before + 1, 'stops');
      equal(started().method, '(started)', 'what came last');
      await until('the status bar says ember', async () => (await bench.status()) === 'ember');
      bench.settings({ 'pilotlight.http.listen': undefined }, true);
      await until('the server is started without it', () => received('(started)').at(-1).argv.length === 1);
      await until('the status bar says ember', async () => (await bench.status()) === 'ember');
    });

    await test('a binary that is missing, and one that is something else: a message with what to do, and nothing loops', async () => {
      const before = starts();
      bench.settings({ 'pilotlight.path': '/nowhere/pilotlight' }, true);
      await bench.notifications().filter({ hasText: '/nowhere/pilotlight' }).waitFor();
      equal(await bench.status(), 'Pilotlight: not running', 'the status bar');
      await bench.focus();
      await bench.screenshot('12-no-binary');
      await page.locator('.statusbar-item[id*="pilotlight"] a').first().click();
      await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Choose the binary' }).first().waitFor();
      await page.keyboard.press('Escape');
      await bench.clearNotifications();
      bench.settings({ 'pilotlight.path': '/bin/false' }, true);
      await bench.notifications().filter({ hasText: 'exit status 1' }).waitFor();
      await page.waitForTimeout(1_500);
      equal(await bench.notifications().count(), 1, 'messages');
      equal(bench.log().split('starting /bin/false lsp').length - 1, 1, 'starts of /bin/false');
      await bench.focus();
      await bench.screenshot('13-wrong-binary');
      await bench.clearNotifications();
      const dies = join(folder, 'dies');
      writeFileSync(dies, "#!/bin/sh\necho 'no room' >&2\nexit 1\n", { mode: 0o755 });
      bench.settings({ 'pilotlight.path': dies }, true);
      const last = bench.notifications().filter({ hasText: 'Its last words: no room' });
      await last.waitFor();
      equal(await last.locator('.monaco-button', { hasText: 'Show log' }).count(), 1, 'buttons for the log');
      await bench.clearNotifications();
      bench.settings({ 'pilotlight.path': fake }, true);
      await until('the status bar says ember', async () => (await bench.status()) === 'ember');
      equal(starts(), before + 1, 'starts');
    });

    await test('the light theme', async () => {
      await page.emulateMedia({ colorScheme: 'light' });
      await page.waitForSelector('.monaco-workbench.vs');
      await begin('src/again.rs');
      await bench.menu('Why this suggestion');
      contains(await whyText(page), '146', 'the view');
      await bench.screenshot('14-light');
    });
  } finally {
    const pid = received('(started)').at(-1)?.pid;
    await bench.close();
    if (pid !== undefined) await suite.test('no process is left behind', () => until(`process ${pid} ends`, () => !alive(pid), 15_000));
  }
  return suite;
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    // A zombie waits for its parent to be told, and computes nothing.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** What the view says: it is in the inner of two frames. */
export async function whyText(page) {
  return until('the view has text', () => frameText(page));
}

async function frameText(page) {
  for (const frame of page.frames()) {
    if (!frame.url().includes('fake.html')) continue;
    const text = await frame.locator('body').innerText({ timeout: 500 }).catch(() => '');
    if (text.trim() !== '') return text;
  }
  return '';
}
