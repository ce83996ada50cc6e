/**
 * The settings on their way to the server. package.json lists them, generated from the server's schema. Those that only the user may set go by the command
 * line, as they name what is loaded and run; the others by `initializationOptions` and `workspace/didChangeConfiguration`. What was not chosen is left out, so
 * that the defaults of this manifest do not hide the user's config.toml. The switches (of scope `resource`) are not among them: they are looked at here, at each
 * question, so that they need no restart and may differ from file to file.
 */
import * as vscode from 'vscode';

interface Manifest {
  readonly contributes: { readonly configuration: readonly { readonly properties: Readonly<Record<string, { readonly scope: string }>> }[] };
}

/** Of this extension alone. */
const OWN = ['path', 'nextEdit.auto'];

/** Sections of which a change needs a new daemon: one that runs goes on as it was started. */
export const OF_THE_DAEMON = ['pilotlight.daemon', 'pilotlight.http'];

/** The model, and the server that is asked in its place. */
export const MODEL = 'engine.model';
export const REMOTE = 'engine.remote.url';

/** Names of the server's settings (without `pilotlight.`) with this scope. */
function names(extension: vscode.Extension<unknown>, scope: 'machine' | 'window'): string[] {
  const { configuration } = (extension.packageJSON as Manifest).contributes;
  const all = configuration.flatMap(({ properties }) => Object.entries(properties)).filter(([, setting]) => setting.scope === scope);
  return all.map(([name]) => name.replace('pilotlight.', '')).filter((name) => !OWN.includes(name));
}

/** Settings of which a change needs a new server. */
export function ofTheCommandLine(extension: vscode.Extension<unknown>): string[] {
  return ['path', ...names(extension, 'machine')].map((name) => `pilotlight.${name}`);
}

/** The command line of `pilotlight COMMAND` with what the user chose. */
export function commandLine(extension: vscode.Extension<unknown>, command: string): string[] {
  const config = vscode.workspace.getConfiguration('pilotlight');
  const choice = (name: string): unknown => config.inspect(name)?.globalValue;
  const options = names(extension, 'machine').flatMap((name) => {
    const chosen = choice(name);
    const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    // JSON's values are TOML's too.
    return chosen === undefined || chosen === '' ? [] : ['--set', `${kebab}=${JSON.stringify(chosen)}`];
  });
  // A model that is named is the one that is meant, whatever server the user's config.toml names.
  if (choice(MODEL) && !choice(REMOTE)) options.push('--set', `${REMOTE}=""`);
  return [command, ...options];
}

/** What was chosen of the server's other settings, section by section. */
export function behaviour(extension: vscode.Extension<unknown>): Record<string, unknown> {
  const config = vscode.workspace.getConfiguration('pilotlight');
  const sections: Record<string, unknown> = {};
  for (const name of names(extension, 'window')) {
    const found = config.inspect(name);
    const chosen = found?.workspaceValue ?? found?.globalValue;
    if (chosen !== undefined) put(sections, name.split('.'), chosen);
  }
  return sections;
}

function put(section: Record<string, unknown>, [name = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) section[name] = value;
  else put((section[name] ??= {}) as Record<string, unknown>, rest, value);
}
