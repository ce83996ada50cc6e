// A change carried to its uses by the real server: as next edits, one at a time, and as a code action with VS Code's preview.
import { equal } from './suite.mjs';
import { until } from './workbench.mjs';

const TOTAL = 'fn total(prices: &[u32]) -> u32 {\n    prices.iter().sum()\n}\n';

export const FILES = {
  'Cargo.toml': '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2024"\n',
  'src/lib.rs': 'pub mod bill;\npub mod duty;\npub mod net;\npub mod prices;\npub mod report;\n',
  'src/prices.rs': `pub ${TOTAL}`,
  'src/bill.rs': 'use crate::prices::total;\n\npub fn bill(prices: &[u32]) -> String {\n    // total is without taxes\n    format!("{}", total(prices))\n}\n',
  'src/report.rs': 'use crate::prices;\n\npub fn report(all: &[u32]) -> u32 {\n    prices::total(all) + prices::total(&[])\n}\n',
  'src/duty.rs': 'pub fn levy(of: u32) -> u32 {\n    of / 5\n}\n',
  'src/net.rs': 'use crate::duty::levy;\n\npub fn net(of: u32) -> u32 {\n    of - levy(of)\n}\n',
  'src/one.rs': `${TOTAL.replace('total', 'tally')}\nfn first() -> u32 {\n    tally(&[1])\n}\n\nfn second() -> u32 {\n    tally(&[2])\n}\n`,
};

/** What all files are once `total` is `sum_up`; the comment is left alone unless somebody says otherwise. */
const carried = (path, comment) => {
  const text = FILES[path].replaceAll('total', 'sum_up');
  return comment ? text : text.replace('// sum_up is', '// total is');
};

/** Gives the function at a place of the active file another name, as a person would. */
async function rename(bench, column) {
  await bench.goTo(1, column);
  await bench.page.keyboard.press('Control+Shift+ArrowRight');
  await bench.type('sum_up', 60);
}

/** Opens the list of code actions where the cursor is, until ours is chosen in it. */
async function chooseAction(bench) {
  const { page } = bench;
  const row = page.locator('.action-widget .monaco-list-row', { hasText: 'Carry this change' });
  await until(
    'the action is offered',
    async () => {
      await page.keyboard.press('Control+.');
      if (await row.first().waitFor({ timeout: 2_000 }).then(() => true, () => false)) return true;
      await page.keyboard.press('Escape');
      return false;
    },
    60_000,
  );
  const title = (await row.first().innerText()).trim();
  const focused = page.locator('.action-widget .monaco-list-row.focused', { hasText: 'Carry this change' });
  for (let moves = 0; moves < 20 && (await focused.count()) === 0; moves++) await page.keyboard.press('ArrowDown');
  await focused.waitFor();
  return title;
}

/** Waits until the preview has these entries, each as `what goes→what comes` in its line, and whether it is ticked. */
async function previews(page, expected) {
  const read = () =>
    page.locator('.bulk-edit-panel .monaco-list-row').evaluateAll((rows) =>
      rows.flatMap((row) => {
        const label = row.querySelector('.monaco-highlighted-label');
        const box = row.querySelector('.edit-checkbox');
        if (!label || !box || row.querySelector('.monaco-icon-label.file-icon')) return [];
        const text = [...label.childNodes].map((piece) => (/insert/.test(piece.className ?? '') ? `→${piece.textContent}` : piece.textContent)).join('');
        return [[text.replaceAll('\u00a0', ' ').trim(), box.checked ?? box.getAttribute('aria-checked') === 'true']];
      }),
    );
  let seen;
  await until('', async () => (seen = JSON.stringify(await read())) === JSON.stringify(expected)).catch(() => {
    throw new Error(`the preview:\n expected ${JSON.stringify(expected)}\n found    ${seen}`);
  });
}

export async function carry(bench, test) {
  const { page } = bench;

  await test('next edits after a name was changed: one after the other, each one undo', async () => {
    await bench.closeAll();
    await bench.openFile('src/one.rs');
    await rename(bench, 4);
    await bench.seesNextEdit('tally', 'sum_up', 'Alt+Enter to go here', 60_000);
    await bench.cursorIs('Ln 1, Col 10');
    await bench.screenshot('23-real-next-edit');
    await page.keyboard.press('Alt+Enter');
    await bench.cursorIs('Ln 6, Col 5');
    await page.keyboard.press('Alt+Enter');
    await bench.saves('src/one.rs', FILES['src/one.rs'].replaceAll('tally', 'sum_up').replace('sum_up(&[2])', 'tally(&[2])'));
    await bench.seesNextEdit('tally', 'sum_up', 'Alt+Enter to go here');
    await page.keyboard.press('Alt+Enter');
    await bench.cursorIs('Ln 10, Col 5');
    await page.keyboard.press('Alt+Enter');
    await bench.saves('src/one.rs', FILES['src/one.rs'].replaceAll('tally', 'sum_up'));
    await bench.seesNoNextEdit();
    await page.keyboard.press('Control+Z');
    await bench.saves('src/one.rs', FILES['src/one.rs'].replaceAll('tally', 'sum_up').replace('sum_up(&[2])', 'tally(&[2])'));
  });

  await test('a changed name is carried by a code action: the preview, what is uncertain unticked, all files, one undo', async () => {
    await bench.closeAll();
    await bench.openFile('src/prices.rs');
    await rename(bench, 8);
    const title = await chooseAction(bench);
    await bench.screenshot('24-real-code-action');
    await page.keyboard.press('Enter');
    equal(title, 'Carry this change to its 5 uses in 2 files, 1 of them to look at first', 'the action');
    const entries = [
      ['use crate::prices::total→sum_up;', true],
      ['// total→sum_up is without taxes', false],
      ['format!("{}", total→sum_up(prices))', true],
      ['prices::total→sum_up(all) + prices::total(&[])', true],
      ['::total(all) + prices::total→sum_up(&[])', true],
    ];
    await previews(page, entries);
    await bench.screenshot('25-real-preview');
    await page.locator('.bulk-edit-panel .monaco-button', { hasText: 'Apply' }).click();
    // Those that were not open are saved by VS Code itself.
    for (const path of ['src/bill.rs', 'src/report.rs']) await until(`${path} has it`, () => bench.read(path) === carried(path, false));
    await bench.saves('src/prices.rs', carried('src/prices.rs', false));
    await bench.screenshot('26-real-carried');

    await bench.openFile('src/report.rs');
    await page.keyboard.press('Control+Z');
    await until('both files are undone', async () => (await page.locator('.tab.dirty').count()) === 2);
    await bench.closeAll();
    for (const path of ['src/bill.rs', 'src/report.rs']) equal(bench.read(path), FILES[path], path);
  });

  await test('what is certain is previewed by Ctrl+Enter, and made at once by Enter', async () => {
    await bench.openFile('src/duty.rs');
    await rename(bench, 8);
    const title = await chooseAction(bench);
    equal(title, 'Carry this change to its 2 uses in 1 file', 'the action');
    await page.keyboard.press('Control+Enter');
    await previews(page, [['use crate::duty::levy→sum_up;', true], ['of - levy→sum_up(of)', true]]);
    await bench.screenshot('27-real-preview-asked-for');
    await page.locator('.bulk-edit-panel .monaco-button', { hasText: 'Discard' }).click();
    await bench.focus();
    await bench.goTo(1, 8);
    await chooseAction(bench);
    equal(bench.read('src/net.rs'), FILES['src/net.rs'], 'what was discarded');
    await page.keyboard.press('Enter');
    const net = FILES['src/net.rs'].replace('::levy;', '::sum_up;').replace('levy(of)', 'sum_up(of)');
    await until('the other file is changed', async () => (await page.locator('.tab.dirty').count()) === 2);
    await bench.closeAll();
    equal(bench.read('src/net.rs'), net, 'src/net.rs');
  });
}
