// The component with a stand-in for Zed: settings, a worktree, a PATH. What it answers is what Zed would start.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Session } from './session.mjs';
import { contains, equal } from '../vscode/suite.mjs';

const SERVER = 'pilotlight';

/** An instance of the extension in a Zed that has `settings` under `lsp.pilotlight`. */
async function zed({ cache, artefacts }, { settings = {}, env = {}, path = {} } = {}) {
  const folder = join(artefacts, 'extension');
  const require = createRequire(join(cache, 'package.json'));
  const shim = await import(pathToFileURL(require.resolve('@bytecodealliance/preview2-shim/instantiation')));
  const { instantiate } = await import(pathToFileURL(join(folder, 'extension.js')));
  class Worktree {
    id() { return 1n; }
    rootPath() { return '/work'; }
    readTextFile() { throw new Error('the extension reads no files'); }
    which(name) { return path[name]; }
    shellEnv() { return Object.entries(env); }
  }
  const asked = [];
  const imports = new shim.WASIShim().getImportObject();
  const zedImports = {
    'get-settings': {
      default(location, category, key) {
        asked.push({ worktree: Number(location?.worktreeId ?? 0), category, key });
        return JSON.stringify(settings);
      },
    },
    worktree: { default: Worktree },
    // Named by Zed's interface, and not used by this extension.
    project: { default: class Project {} },
    'key-value-store': { default: class KeyValueStore {} },
  };
  const load = async (name) => WebAssembly.compile(readFileSync(join(folder, name)));
  const instance = await instantiate(load, { ...imports, ...zedImports });
  instance.initExtension();
  const worktree = new Worktree();
  const told = (call) => {
    try {
      return { ok: call() };
    } catch (error) {
      if (error?.payload === undefined) throw error;
      return { error: error.payload };
    }
  };
  return {
    asked,
    command: () => told(() => instance.languageServerCommand(SERVER, worktree)),
    initialization: () => told(() => instance.languageServerInitializationOptions(SERVER, worktree)),
    configuration: () => told(() => instance.languageServerWorkspaceConfiguration(SERVER, worktree)),
  };
}

export async function extension(suite, place) {
  const test = (description, run) => suite.test(description, run);

  await test('the binary on the PATH is started with `lsp`, in the shell’s environment', async () => {
    const it = await zed(place, { path: { pilotlight: '/usr/bin/pilotlight' }, env: { HOME: '/home/me', LANG: 'C' } });
    equal(it.command(), { ok: { command: '/usr/bin/pilotlight', args: ['lsp'], env: [['HOME', '/home/me'], ['LANG', 'C']] } }, 'the command');
    equal(it.asked, [{ worktree: 1, category: 'lsp', key: 'pilotlight' }], 'what Zed was asked');
  });

  await test('what a person names comes first: the setting, then $PILOTLIGHT, then the PATH', async () => {
    const path = { pilotlight: '/usr/bin/pilotlight' };
    const env = { HOME: '/home/me', PILOTLIGHT: '~/bin/pilotlight' };
    const command = async (options) => (await zed(place, { path, ...options })).command().ok?.command;
    equal(await command({ env, settings: { binary: { path: '/opt/pilotlight' } } }), '/opt/pilotlight', 'by the setting');
    equal(await command({ env }), '/home/me/bin/pilotlight', 'by $PILOTLIGHT');
    equal(await command({ env: { PILOTLIGHT: ' ' } }), '/usr/bin/pilotlight', 'by the PATH');
    equal(await command({ settings: { binary: { path: 'C:\\Tools\\pilotlight.exe' } } }), 'C:\\Tools\\pilotlight.exe', 'on Windows');
  });

  await test('arguments and environment are handed on, the setting’s over the shell’s', async () => {
    const binary = { path: '/p', arguments: ['--model', '/m.gguf', 'lsp'], env: { PILOTLIGHT_LOG: 'debug' } };
    const it = await zed(place, { settings: { binary }, env: { PILOTLIGHT_LOG: 'warn', LANG: 'C' } });
    equal(it.command(), { ok: { command: '/p', args: ['--model', '/m.gguf', 'lsp'], env: [['LANG', 'C'], ['PILOTLIGHT_LOG', 'debug']] } }, 'the command');
  });

  await test('settings pass through untouched', async () => {
    const options = { completion: { 'max-tokens': 48, unknown: [1, null, 'é'] } };
    const settings = { lsp: { 'completion-menu': 'always' } };
    const json = (answer) => ({ ...answer, ok: answer.ok === undefined ? undefined : JSON.parse(answer.ok) });
    const both = await zed(place, { settings: { initialization_options: options, settings } });
    equal([json(both.initialization()), json(both.configuration())], [{ ok: options }, { ok: settings }], 'both');
    // Zed sends its configuration right behind `initialized`, and it replaces the options: either stands for both.
    const first = await zed(place, { settings: { initialization_options: options } });
    equal([json(first.initialization()), json(first.configuration())], [{ ok: options }, { ok: options }], 'the options alone');
    const second = await zed(place, { settings: { settings } });
    equal([json(second.initialization()), json(second.configuration())], [{ ok: settings }, { ok: settings }], 'the settings alone');
    const none = await zed(place, { settings: { settings: null } });
    equal([none.initialization(), none.configuration()], [{}, {}], 'none');
  });

  await test('what cannot be is refused, with what was expected and what was found', async () => {
    for (const [options, ask, expected] of [
      [{}, 'command', 'the pilotlight binary was not found: lsp.pilotlight.binary.path and $PILOTLIGHT are not set, and there is none on the PATH'],
      [{ settings: { binary: { path: 'bin/pilotlight' } } }, 'command', 'lsp.pilotlight.binary.path: expected an absolute path to the pilotlight binary, found "bin/pilotlight"'],
      [{ settings: { binary: { path: '' } } }, 'command', 'found ""'],
      [{ env: { PILOTLIGHT: './pilotlight' } }, 'command', '$PILOTLIGHT: expected an absolute path'],
      [{ settings: { binary: { path: '/p', arguments: ['serve'] } } }, 'command', 'expected `lsp` among them'],
      [{ settings: { binary: { path: 3 } } }, 'command', 'the settings under lsp.pilotlight cannot be read: invalid type: integer `3`, expected a string'],
      [{ settings: { initialization_options: 'fast' } }, 'initialization', 'lsp.pilotlight.initialization_options: expected an object'],
      [{ settings: { settings: [1] } }, 'configuration', 'lsp.pilotlight.settings: expected an object such as { "completion": { "max-tokens": 48 } }, found [1]'],
    ]) {
      const answer = (await zed(place, options))[ask]();
      contains(answer.error ?? `no error, but ${JSON.stringify(answer)}`, expected, JSON.stringify(options));
    }
  });

  await test('the command that it gives is a language server with completions, of which Zed’s settings hold', async () => {
    const settings = { binary: { path: process.env.PILOTLIGHT, arguments: ['lsp', '--standalone'] }, settings: { completion: { 'min-confidence': 0 }, nonsense: {} } };
    const it = await zed(place, { settings, env: { PATH: process.env.PATH } });
    const session = await Session.start(it.command().ok, JSON.parse(it.initialization().ok), JSON.parse(it.configuration().ok));
    try {
      const items = await session.firstItems();
      equal([items.length, items[0].detail, typeof items[0].textEdit.newText], [1, 'pilotlight', 'string'], 'the menu');
      contains(session.messages.join('\n'), 'nonsense', 'what the person is told of an unknown setting');
    } finally {
      await session.end();
    }
  });
}
