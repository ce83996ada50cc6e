/** `pilotlight doctor`, its words in a read-only page that can be copied into a report. */
import { execFile } from 'node:child_process';
import * as vscode from 'vscode';
import type { Session } from './session';

const SCHEME = 'pilotlight-doctor';
/** Doctor loads the model to test it, which a large one on a slow disk takes its time for. */
const PATIENCE_MS = 120_000;

export class Doctor implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #page = vscode.Uri.from({ scheme: SCHEME, path: '/Pilotlight Doctor' });
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  #text = '';

  constructor(private readonly session: Session) {}

  dispose(): void {
    vscode.Disposable.from(this.#registration, this.#changed).dispose();
  }

  provideTextDocumentContent(): string {
    return this.#text;
  }

  async run(): Promise<void> {
    const { path, source } = this.session.binary();
    const args = this.session.commandLine('doctor');
    const report = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: 'Pilotlight: doctor' }, () => output(path, args));
    this.#text = `${[path, ...args].join(' ')}\n(the binary is named by ${source})\n\n${report}`;
    this.#changed.fire(this.#page);
    await vscode.window.showTextDocument(this.#page, { preview: true });
  }
}

function output(path: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(path, args, { timeout: PATIENCE_MS, windowsHide: true }, (error, out, err) => {
      const how = error ? (error.killed === true ? `No answer in ${PATIENCE_MS / 1000} s.` : `Exit status ${error.code ?? '?'}: not all is well.`) : '';
      resolve([out, err, how].map((part) => part.trimEnd()).filter((part) => part !== '').join('\n\n') + '\n');
    });
  });
}
