/** Where suggestions are off, and turning them on and off: everywhere, in this workspace, for one language. */
import * as vscode from 'vscode';

const ENABLED = 'completion.enabled';
const LANGUAGES = 'completion.disabledLanguages';

/** A switch of the menu. */
export type Switch = 'everywhere' | 'workspace' | 'language';

function settings(document?: vscode.TextDocument): vscode.WorkspaceConfiguration {
  return vscode.workspace.getConfiguration('pilotlight', document?.uri ?? null);
}

/** Why nothing is suggested in `document` by the person's own choice, or nothing. */
export function offBecause(document?: vscode.TextDocument): string | undefined {
  const config = settings(document);
  if (!config.get<boolean>(ENABLED, true)) {
    const chosen = config.inspect<boolean>(ENABLED);
    const here = chosen?.workspaceFolderValue ?? chosen?.workspaceValue;
    return here === false ? 'off in this workspace' : 'off everywhere';
  }
  if (document && config.get<string[]>(LANGUAGES, []).includes(document.languageId)) return `off for ${document.languageId}`;
  return undefined;
}

/** Whether a switch stands on. */
export function isOn(which: Switch, document?: vscode.TextDocument): boolean {
  const config = settings(document);
  const chosen = config.inspect<boolean>(ENABLED);
  switch (which) {
    case 'everywhere':
      return chosen?.globalValue ?? true;
    case 'workspace':
      return chosen?.workspaceFolderValue ?? chosen?.workspaceValue ?? chosen?.globalValue ?? true;
    case 'language':
      return document === undefined || !config.get<string[]>(LANGUAGES, []).includes(document.languageId);
  }
}

/** Where a setting is said nearer than by the user: a folder's hides the workspace's. (Without a workspace's file they are one.) */
function standsIn(config: vscode.WorkspaceConfiguration, name: string): vscode.ConfigurationTarget | undefined {
  const chosen = config.inspect(name);
  if (vscode.workspace.workspaceFile && chosen?.workspaceFolderValue !== undefined) return vscode.ConfigurationTarget.WorkspaceFolder;
  return chosen?.workspaceValue === undefined ? undefined : vscode.ConfigurationTarget.Workspace;
}

/** Throws a switch. What is on by default is written as nothing, so that settings files hold only what was chosen. */
export async function toggle(which: Switch, document?: vscode.TextDocument): Promise<void> {
  const config = settings(document);
  const on = isOn(which, document);
  const { ConfigurationTarget } = vscode;
  if (which === 'everywhere') {
    await config.update(ENABLED, on ? false : undefined, ConfigurationTarget.Global);
  } else if (which === 'workspace') {
    const target = standsIn(config, ENABLED) ?? ConfigurationTarget.Workspace;
    const behind = target === ConfigurationTarget.WorkspaceFolder ? config.inspect<boolean>(ENABLED)?.workspaceValue : undefined;
    const rest = behind ?? isOn('everywhere', document);
    await config.update(ENABLED, on === rest ? !on : undefined, target);
  } else if (document) {
    // Read and written where it is chosen: a nearer list hides the others.
    const target = standsIn(config, LANGUAGES) ?? ConfigurationTarget.Global;
    const list = config.get<string[]>(LANGUAGES, []).filter((language) => language !== document.languageId);
    if (on) list.push(document.languageId);
    await config.update(LANGUAGES, list.length > 0 ? list : undefined, target);
  }
}
