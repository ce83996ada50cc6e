/** The menu behind the status bar's flame. */
import * as vscode from 'vscode';
import { MODEL, type Session } from './session';
import { words } from './status';
import { isOn } from './switches';

interface Entry extends vscode.QuickPickItem {
  readonly command?: string;
}

/** Shows the menu and runs what is chosen. `nextEdit` is where the edit on offer is. */
export async function showMenu(session: Session, nextEdit: string | undefined): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  const now = words(session.state, document);
  const entries: Entry[] = [];
  if (session.state.is === 'failed') {
    const { action, message } = session.state;
    entries.push({ label: `$(error) ${action.title}`, detail: message, command: action.command }, separator());
  } else if (now.level === 'error') {
    // What the server itself has for an error is that it has no model.
    entries.push({ label: `$(error) ${MODEL.title}`, detail: now.detail, command: MODEL.command }, separator());
  }
  if (nextEdit !== undefined) entries.push({ label: '$(arrow-right) Next edit', description: nextEdit, command: 'pilotlight.nextEdit' });
  entries.push(
    { label: '$(question) Why this suggestion', description: 'or why there is none', command: 'pilotlight.why' },
    separator('Suggestions'),
    entry(isOn('everywhere', document), 'everywhere', 'pilotlight.toggle'),
  );
  if (vscode.workspace.workspaceFolders) entries.push(entry(isOn('workspace', document), 'in this workspace', 'pilotlight.toggleWorkspace'));
  if (document) entries.push(entry(isOn('language', document), `for ${document.languageId}`, 'pilotlight.toggleLanguage'));
  entries.push(
    separator('Server'),
    { label: '$(server-environment) Choose the model…', command: MODEL.command },
    { label: '$(output) Show log', command: 'pilotlight.showLog' },
    { label: '$(debug-restart) Restart', command: 'pilotlight.restart' },
    { label: '$(pulse) Run doctor', description: 'is all well on this machine?', command: 'pilotlight.doctor' },
    { label: '$(gear) Settings', command: 'pilotlight.settings' },
    { label: '$(book) Walkthrough', command: 'pilotlight.walkthrough' },
  );
  const chosen = await vscode.window.showQuickPick(entries, { title: 'Pilotlight', placeHolder: now.detail.split('\n')[0] ?? '' });
  if (chosen?.command !== undefined) await vscode.commands.executeCommand(chosen.command);
}

function entry(on: boolean, where: string, command: string): Entry {
  return on ? { label: `$(circle-slash) Turn off ${where}`, command } : { label: `$(flame) Turn on ${where}`, command };
}

function separator(label = ''): Entry {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}
