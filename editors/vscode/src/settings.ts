/** What the person chose, in the shape of the server's own settings. */
import * as vscode from 'vscode';

/** Settings that are the client's own and mean nothing to the server. */
const CLIENT_ONLY = new Set(['path']);

interface Contributed {
  readonly properties: Readonly<Record<string, unknown>>;
}

/**
 * The chosen settings as a nested object in kebab-case: `pilotlight.completion.maxTokens` is `{"completion": {"max-tokens": …}}`. What was not chosen is left
 * out, so that the defaults of this manifest do not hide the user's config.toml.
 */
export function chosenSettings(manifest: unknown): Record<string, Record<string, unknown>> {
  const { contributes } = manifest as { contributes: { configuration: readonly Contributed[] } };
  const config = vscode.workspace.getConfiguration('pilotlight');
  const chosen: Record<string, Record<string, unknown>> = {};
  for (const key of contributes.configuration.flatMap((section) => Object.keys(section.properties))) {
    const name = key.slice('pilotlight.'.length);
    const [room, option] = name.split('.', 2);
    if (CLIENT_ONLY.has(name) || room === undefined || option === undefined) continue;
    const values = config.inspect(name);
    const value = values?.workspaceFolderValue ?? values?.workspaceValue ?? values?.globalValue;
    if (value !== undefined) (chosen[room] ??= {})[kebab(option)] = value;
  }
  return chosen;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
