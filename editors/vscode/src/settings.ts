/**
 * The settings that the server is started with, as its command line has them. What was not chosen is left out, so that the defaults of this manifest do not
 * hide the user's config.toml. The switches (`pilotlight.completion.enabled` and its languages) are not among them: they are looked at here, at each
 * question, so that they need no restart.
 */
import * as vscode from 'vscode';

/** Setting, and the option that carries it. All of them can be set by the user only, as they name programs and files. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  'engine.model': '--model',
  'engine.threads': '--threads',
};

/** Settings of which a change needs a new server. */
export const OF_THE_SERVER = ['pilotlight.path', ...Object.keys(ARGUMENTS).map((name) => `pilotlight.${name}`)];

/** The command line of `pilotlight COMMAND` with what was chosen. */
export function commandLine(command: string): string[] {
  const config = vscode.workspace.getConfiguration('pilotlight');
  const options = Object.entries(ARGUMENTS).flatMap(([name, option]) => {
    const chosen = config.inspect<string | number>(name)?.globalValue;
    return chosen === undefined || chosen === '' ? [] : [option, String(chosen)];
  });
  return [command, ...options];
}
