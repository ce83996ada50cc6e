// Workspaces of several folders, and folders that are not trusted, with the scripted server: whose settings count, and where a switch is written.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Suite, equal } from './suite.mjs';
import { Workbench, until } from './workbench.mjs';

const CODE = 'fn sum(items: &[u64]) -> u64 {\n';
const ENABLED = 'pilotlight.completion.enabled';
const LANGUAGES = 'pilotlight.completion.disabledLanguages';

/** Of a repository that would have more than its user allows. */
const LOOSE = {
  [ENABLED]: true,
  [LANGUAGES]: [],
  'pilotlight.completion.inGitIgnoredFiles': true,
  'pilotlight.completion.maxTokens': 9,
  'pilotlight.actions.enabled': true,
};
const STRICT = {
  [ENABLED]: false,
  [LANGUAGES]: ['python'],
  'pilotlight.completion.inGitIgnoredFiles': false,
  'pilotlight.actions.enabled': false,
};

export async function folders(options) {
  const suite = new Suite('folders');
  await several(suite, { ...options, folder: join(options.folder, 'several') });
  await untrusted(suite, { ...options, folder: join(options.folder, 'untrusted') });
  return suite;
}

async function several(suite, { folder, here, ...options }) {
  const files = {
    'all.code-workspace': JSON.stringify({ folders: ['gone', 'one', 'two'].map((path) => ({ path })) }),
    'one/.vscode/settings.json': JSON.stringify({ [ENABLED]: false, [LANGUAGES]: ['rust'] }),
    'one/first.rs': CODE,
    'two/second.rs': CODE,
  };
  const bench = await Workbench.open({ ...options, folder, files, opened: 'all.code-workspace', env: { PILOTLIGHT: join(here, 'fake-server.mjs') } });
  const settings = () => JSON.parse(bench.read('one/.vscode/settings.json'));
  try {
    await suite.test('a first folder that is not there: the server is started all the same', async () => {
      await until('the status bar says ember', async () => (await bench.status()) === 'ember', 60_000);
    }, bench);

    await suite.test('several folders: a switch is written where it stands', async () => {
      await bench.closeAll();
      await bench.openFile('first.rs');
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: off in this workspace');
      await bench.menu('Turn on in this workspace');
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: off for rust');
      equal(settings(), { [LANGUAGES]: ['rust'] }, 'the folder’s settings');
      await bench.menu('Turn on for rust');
      await until('the status bar says so', async () => (await bench.status()) === 'ember');
      equal(settings(), {}, 'the folder’s settings');
      await bench.menu('Turn off in this workspace');
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: off in this workspace');
      equal(JSON.parse(bench.read('all.code-workspace')).settings, { [ENABLED]: false }, 'the workspace’s settings');
      await bench.openFile('second.rs');
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: off in this workspace');
    }, bench);
  } finally {
    await bench.close();
  }
}

async function untrusted(suite, { folder, here, ...options }) {
  const messages = join(folder, 'messages.jsonl');
  const files = { '.vscode/settings.json': JSON.stringify(LOOSE), 'lib.rs': CODE, 'stats.py': 'items = [1, 2]\n' };
  const env = { PILOTLIGHT: join(here, 'fake-server.mjs'), PILOTLIGHT_FAKE_LOG: messages };
  const bench = await Workbench.open({ ...options, folder, files, env, trusted: false, settings: { 'security.workspace.trust.startupPrompt': 'never', ...STRICT } });
  try {
    await suite.test('a folder that is not trusted gets no more than the user allows', async () => {
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: off everywhere', 60_000);
      await bench.page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).first().waitFor();
      await until('the server is asked', () => existsSync(messages) && readFileSync(messages, 'utf8').includes('"initialize"'));
      const [start] = readFileSync(messages, 'utf8').trim().split('\n').map((line) => JSON.parse(line)).filter(({ method }) => method === 'initialize');
      const { completion, actions } = start.params.initializationOptions;
      equal([completion, actions], [{ inGitIgnoredFiles: false, maxTokens: 9 }, { enabled: false }], 'what the server is told');
      await bench.closeAll();
      await bench.openFile('stats.py');
      await bench.menu('Turn on everywhere');
      await until('the status bar says so', async () => (await bench.status()) === 'Pilotlight: off for python');
      await bench.screenshot('18-untrusted');
    }, bench);
  } finally {
    await bench.close();
  }
}
