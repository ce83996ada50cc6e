// The next edit, to the letter, with the scripted server: shown where it would be made, taken and dropped by keys of its own, the cursor never moved unasked.
import { contains, equal } from './suite.mjs';
import { until } from './workbench.mjs';

const FAR = 90;
const padding = (count) => '// a line\n'.repeat(count);

/** What the page's media ask for, and the theme that VS Code then chooses. */
const THEMES = [
  ['light', 'vs', 'none'],
  ['dark', 'hc-black', 'active'],
  ['light', 'hc-light', 'active'],
  ['dark', 'vs-dark', 'none'],
];

export const FILES = {
  'next/main.rs': `fn area(a: u8) {}\nfn one() { area(1); }\n${padding(FAR - 3)}fn two() { area(2); }\n`,
  'next/other.rs': 'fn three() { area(3); }\n',
  'next/inside.rs': 'fn area(a: u8) {}\nfn one() { area(1); }\n',
  'next/ghost.rs': 'fn area(a: u8) {}\nfn one() { area(1); }\nfn sum(items: &[u64]) {\n',
  'next/stale.rs': 'fn area(a: u8) {}\nfn one() { area(1); }\n',
  'next/asked.rs': 'fn area(a: u8) {}\nfn one() { area(1); }\n',
  // A file for each theme: what was closed and written anew may be shown as it was for a moment.
  ...Object.fromEntries(THEMES.map(([, theme]) => [`next/${theme}.rs`, 'fn area(a: u8) {}\nfn one() { area(1); }\n'])),
};
const BEGUN = '    let total = ';
const REST = 'items.iter().sum::<u64>();';

/** Gives the function at the top of the active file the name `size`, as a person would. */
async function rename(bench) {
  await bench.goTo(1, 4);
  await bench.page.keyboard.press('Control+Shift+ArrowRight');
  await bench.type('size');
}

/** @param received the messages that the server got of a method */
export async function nextEdits(bench, test, received) {
  const { page } = bench;
  const told = () => received('workspace/executeCommand').map(({ params }) => [params.command, params.arguments]);
  const offered = () => received('pilotlight/nextEdit').flatMap(({ answered }) => answered.edits.map(({ command }) => command.arguments)).at(-1);

  await test('next edit: shown, gone to, made; then the one out of view, then the one in another file; one undo each', async () => {
    await bench.closeAll();
    await bench.openFile('next/other.rs');
    await bench.openFile('next/main.rs');
    const before = told().length;
    await rename(bench);
    await bench.seesNextEdit('area', 'size', 'Alt+Enter to go here');
    await bench.cursorIs('Ln 1, Col 8');
    await bench.screenshot('30-next-edit');
    await page.keyboard.press('Alt+Enter');
    await bench.cursorIs('Ln 2, Col 12');
    await bench.seesNextEdit('area', 'size', 'Alt+Enter to apply');
    const first = offered();
    await page.keyboard.press('Alt+Enter');
    await bench.seesNextEdit('', '', `Alt+Enter to go to line ${FAR}`);
    equal(told().slice(before), [['pilotlight.takeEdit', first]], 'what the server was told');
    await bench.screenshot('31-next-edit-out-of-view');
    await page.keyboard.press('Alt+Enter');
    await bench.cursorIs(`Ln ${FAR}, Col 12`);
    await page.keyboard.press('Alt+Enter');
    await bench.seesNextEdit('', '', 'Alt+Enter to go to other.rs, line 1');
    await bench.screenshot('32-next-edit-in-another-file');
    await page.keyboard.press('Alt+Enter');
    await page.waitForSelector('.tab.active[data-resource-name="other.rs"]');
    await bench.cursorIs('Ln 1, Col 14');
    await page.keyboard.press('Alt+Enter');
    await bench.seesNoNextEdit();
    await bench.saves('next/other.rs', FILES['next/other.rs'].replace('area', 'size'));
    await page.keyboard.press('Control+Z');
    await bench.saves('next/other.rs', FILES['next/other.rs']);
    await bench.openFile('next/main.rs');
    await bench.saves('next/main.rs', FILES['next/main.rs'].replaceAll('area', 'size'));
    await page.keyboard.press('Control+Z');
    await bench.saves('next/main.rs', FILES['next/main.rs'].replace('fn area', 'fn size').replace('area(1)', 'size(1)'));
  });

  await test('next edit: not inside the name that is being typed, but when the cursor has left it; Escape drops it', async () => {
    await bench.closeAll();
    await bench.openFile('next/inside.rs');
    await bench.goTo(1, 6);
    const asked = received('pilotlight/nextEdit').length;
    await bench.type('x');
    await until('the server is asked', () => received('pilotlight/nextEdit').length > asked);
    equal(received('pilotlight/nextEdit').at(-1).answered, { edits: [] }, 'what it answers');
    await bench.seesNoNextEdit();
    await page.keyboard.press('End');
    await bench.seesNextEdit('area', 'arxea', 'Alt+Enter to go here');
    const [before, offer] = [told().length, offered()];
    await page.keyboard.press('Escape');
    await bench.seesNoNextEdit();
    await until('the server is told', () => told().length > before);
    equal(told().slice(before), [['pilotlight.dismissEdit', offer]], 'what the server was told');
    await bench.cursorIs('Ln 1, Col 19');
    await bench.saves('next/inside.rs', FILES['next/inside.rs'].replace('fn area', 'fn arxea'));
  });

  await test('next edit beside ghost text: Tab and the first Escape are the ghost text’s', async () => {
    await bench.closeAll();
    await bench.openFile('next/ghost.rs');
    await rename(bench);
    await bench.seesNextEdit('area', 'size', 'Alt+Enter to go here');
    await bench.goTo(4, 1);
    await bench.type(BEGUN);
    await bench.sees(REST);
    await bench.seesNextEdit('area', 'size', 'Alt+Enter to go here');
    await bench.screenshot('33-next-edit-and-ghost-text');
    await page.keyboard.press('Escape');
    await bench.seesNone();
    await bench.seesNextEdit('area', 'size', 'Alt+Enter to go here');
    await page.keyboard.press('Control+A');
    await page.keyboard.press('End');
    for (let count = 0; count < 5; count++) await page.keyboard.press('Backspace');
    await bench.type('al = ');
    await bench.sees(REST);
    await bench.seesNextEdit('area', 'size', 'Alt+Enter to go here');
    await page.keyboard.press('Tab');
    await bench.saves('next/ghost.rs', `${FILES['next/ghost.rs'].replace('fn area', 'fn size')}${BEGUN}${REST}`);
    await bench.seesNextEdit('area', 'size', 'Alt+Enter to go here');
    await page.keyboard.press('Escape');
    await bench.seesNoNextEdit();
  });

  await test('next edit: one for another state of the text is not shown; asked for by command, its absence is told', async () => {
    await bench.closeAll();
    await bench.openFile('next/stale.rs');
    const asked = received('pilotlight/nextEdit').length;
    await rename(bench);
    await until('the server offers one', () => received('pilotlight/nextEdit').slice(asked).some(({ answered }) => answered.edits.length > 0));
    await bench.command('Pilotlight: Go to the Next Edit, or Apply It');
    await page.locator('.statusbar-item', { hasText: 'Pilotlight: no next edit' }).waitFor();
    await bench.seesNoNextEdit();
  });

  await test('next edit: none unasked where that is chosen; the command asks; the menu has it', async () => {
    await bench.closeAll();
    const set = received('workspace/didChangeConfiguration').length;
    bench.settings({ 'pilotlight.nextEdit.auto': false }, true);
    await until('the setting is read', () => received('workspace/didChangeConfiguration').length > set);
    await bench.openFile('next/asked.rs');
    const asked = received('pilotlight/nextEdit').length;
    await rename(bench);
    await bench.command('Pilotlight: Go to the Next Edit, or Apply It');
    await bench.seesNextEdit('area', 'size', 'Alt+Enter to go here');
    equal(received('pilotlight/nextEdit').length, asked + 1, 'requests');
    bench.settings({ 'pilotlight.nextEdit.auto': undefined }, true);
    await page.locator('.statusbar-item[id*="pilotlight"] a').first().click();
    const row = page.locator('.quick-input-list .monaco-list-row', { hasText: /Next edit/ }).first();
    contains((await row.innerText()).replaceAll('\u00a0', ' '), 'line 2', 'the menu');
    await row.click();
    await bench.cursorIs('Ln 2, Col 12');
    await page.keyboard.press('Escape');
    await bench.seesNoNextEdit();
  });

  await test('next edit in the colours of the light and the high-contrast themes', async () => {
    for (const [scheme, theme, forced] of THEMES) {
      await bench.closeAll();
      await page.emulateMedia({ colorScheme: scheme, forcedColors: forced });
      await page.waitForSelector(`.monaco-workbench.${theme}`);
      await bench.openFile(`next/${theme}.rs`);
      await bench.goTo(1, 8);
      await bench.type('s');
      await bench.seesNextEdit('area', 'areas', 'Alt+Enter to go here');
      await bench.screenshot(`34-next-edit-${theme}`);
    }
  });
}
