/** Where the `pilotlight` binary is. */
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

/** A binary, and who named it. */
export interface Binary {
  readonly path: string;
  readonly source: string;
}

/** What was looked for, in the words of a message to a person. */
export class BinaryNotFound extends Error {}

const file = process.platform === 'win32' ? 'pilotlight.exe' : 'pilotlight';

/**
 * The first of: the setting, `$PILOTLIGHT`, the PATH, the folders that `cargo install` and people install to (an editor started from the desktop often has a
 * PATH without them), the extension's own `bin/`. Where the setting or `$PILOTLIGHT` names what cannot be run, that is
 * an error: what a person named is not passed over.
 *
 * @throws {BinaryNotFound}
 */
export function findBinary(setting: string, extensionFolder: string, env: NodeJS.ProcessEnv = process.env): Binary {
  for (const [source, named] of [
    ['the setting pilotlight.path', setting],
    ['$PILOTLIGHT', env['PILOTLIGHT'] ?? ''],
  ] as const) {
    if (named.trim() !== '') return { path: runnable(expandHome(named.trim()), source), source };
  }
  // Relative entries of the PATH would let a workspace bring its own binary.
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  for (const folder of folders) {
    const path = join(folder, file);
    if (problem(path) === undefined) return { path, source: 'the PATH' };
  }
  const cargo = env['CARGO_HOME'] ?? '';
  const others = [
    [join(isAbsolute(cargo) ? cargo : join(homedir(), '.cargo'), 'bin'), 'cargo install'],
    [join(homedir(), '.local', 'bin'), '~/.local/bin'],
    [join(extensionFolder, 'bin'), 'the extension'],
  ] as const;
  for (const [folder, source] of others) {
    const path = join(folder, file);
    if (problem(path) === undefined) return { path, source };
  }
  throw new BinaryNotFound(
    'The pilotlight binary was not found: the setting pilotlight.path and $PILOTLIGHT are empty, and it is not on the PATH, in ~/.cargo/bin, ~/.local/bin or the extension.',
  );
}

function expandHome(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}

function runnable(path: string, source: string): string {
  if (!isAbsolute(path)) throw new BinaryNotFound(`${sentence(source)} is “${path}”; an absolute path was expected.`);
  const wrong = problem(path);
  if (wrong !== undefined) throw new BinaryNotFound(`${sentence(source)} is “${path}”, which ${wrong}.`);
  return path;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Why `path` cannot be run, or nothing. */
function problem(path: string): string | undefined {
  try {
    if (!statSync(path).isFile()) return 'is not a file';
  } catch {
    return 'does not exist';
  }
  try {
    accessSync(path, constants.X_OK);
    return undefined;
  } catch {
    return 'may not be executed';
  }
}
