// Rewriting the selection by an instruction, with the scripted server: what it is asked, what is applied, what is said where it cannot.
import { rmSync, writeFileSync } from 'node:fs';
import { equal } from './suite.mjs';
import { until } from './workbench.mjs';

export const FILES = { 'rewrite.rs': 'fn quiet() {\n    say("hello");\n}\n' };
const TITLE = 'Pilotlight: Rewrite by an Instruction…';

/** @param messages the file that the scripted server writes what it gets to */
export async function rewrites(bench, test, received, messages) {
  const { page } = bench;
  const told = () => received('workspace/executeCommand').map(({ params }) => params).filter(({ command }) => command === 'pilotlight.rewrite');

  async function ask(instruction) {
    await bench.goTo(2, 5);
    await page.keyboard.press('Shift+End');
    await bench.command(TITLE);
    await bench.quickInput('rewrite the selection');
    await page.keyboard.type(instruction);
  }

  await test('rewrite the selection: an input box, the server’s command, one undo', async () => {
    await bench.closeAll();
    await bench.openFile('rewrite.rs');
    const before = told().length;
    await ask('shout');
    await bench.screenshot('40-rewrite');
    await page.keyboard.press('Enter');
    await until('the server is asked', () => told().length > before);
    const [{ arguments: [uri, range, instruction] }] = told().slice(before);
    const expected = ['rewrite.rs', { start: { line: 1, character: 4 }, end: { line: 1, character: 17 } }, 'shout'];
    equal([uri.split('/').at(-1), range, instruction], expected, 'the arguments');
    await until('it is applied', async () => (await page.locator('.tab.dirty').count()) === 1);
    await bench.saves('rewrite.rs', FILES['rewrite.rs'].replace('say("hello");', 'SAY("HELLO");'));
    await page.keyboard.press('Control+Z');
    await bench.saves('rewrite.rs', FILES['rewrite.rs']);
  });

  await test('rewrite by a code action, which has the place and wants the instruction', async () => {
    equal(received('initialize').at(-1).params.capabilities.experimental.pilotlight, { asksInstruction: true }, 'what the server is told at the start');
    const before = told().length;
    await bench.goTo(2, 8);
    await page.keyboard.press('Control+.');
    await page.locator('.action-widget .monaco-list-row.focused', { hasText: 'Rewrite this line' }).waitFor();
    await page.keyboard.press('Enter');
    await bench.quickInput('rewrite the selection');
    await page.keyboard.type('louder');
    await page.keyboard.press('Enter');
    await until('the server is asked', () => told().length > before);
    equal(told().at(-1).arguments.slice(1), [{ start: { line: 1, character: 0 }, end: { line: 1, character: 17 } }, 'louder'], 'the arguments');
    await until('it is applied', async () => (await page.locator('.tab.dirty').count()) === 1);
    await bench.saves('rewrite.rs', FILES['rewrite.rs'].replace('say("hello");', 'SAY("HELLO");'));
  });

  await test('rewrite: no instruction is no request; a failure is told', async () => {
    await bench.closeAll();
    bench.write('rewrite.rs', FILES['rewrite.rs']);
    await bench.openFile('rewrite.rs');
    const before = told().length;
    await ask('never mind');
    await page.keyboard.press('Escape');
    await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
    await ask('fail');
    await page.keyboard.press('Enter');
    await bench.notifications().filter({ hasText: 'the model’s answer is no code' }).waitFor();
    equal(told().slice(before).map(({ arguments: args }) => args[2]), ['fail'], 'instructions');
    await bench.screenshot('41-rewrite-failed');
    await bench.clearNotifications();
  });

  await test('rewrite is not there where the server does not announce it', async () => {
    writeFileSync(`${messages}.modest`, '');
    const { pid } = received('(started)').at(-1);
    await bench.menu('Restart');
    await until('another process is initialised', () => received('initialized').some((message) => message.pid !== pid && message.pid === received('(started)').at(-1).pid));
    await until('the status bar says ember', async () => (await bench.status()) === 'ember');
    await bench.goTo(2, 5);
    await page.keyboard.press('Shift+End');
    await page.keyboard.press('F1');
    await bench.quickInput();
    await page.keyboard.type('Pilotlight: Re');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Pilotlight: Restart the Server' }).waitFor();
    equal(await page.locator('.quick-input-list .monaco-list-row', { hasText: TITLE }).count(), 0, 'the command in the palette');
    await page.keyboard.press('Escape');
    rmSync(`${messages}.modest`);
  });
}
