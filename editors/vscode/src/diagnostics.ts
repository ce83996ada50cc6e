/** What other extensions report of open documents, told to the server: prompts near it may show it. Language servers do not tell each other. */
import * as vscode from 'vscode';
import { method } from './protocol';
import type { Session } from './session';
import { offBecause } from './switches';

/** Compilers report in bursts. */
const PAUSE_MS = 200;

export class Diagnostics implements vscode.Disposable {
  readonly #changed = new Map<string, vscode.Uri>();
  readonly #subscription: vscode.Disposable;
  #telling: NodeJS.Timeout | undefined;

  constructor(private readonly session: Session) {
    this.#subscription = vscode.languages.onDidChangeDiagnostics(({ uris }) => {
      for (const uri of uris) this.#changed.set(uri.toString(), uri);
      clearTimeout(this.#telling);
      this.#telling = setTimeout(() => {
        this.tell();
      }, PAUSE_MS);
    });
  }

  dispose(): void {
    clearTimeout(this.#telling);
    this.#subscription.dispose();
  }

  private tell(): void {
    const client = this.session.client;
    const documents = vscode.workspace.textDocuments.filter((document) => this.#changed.has(document.uri.toString()));
    this.#changed.clear();
    if (!client) return;
    for (const document of documents) {
      if (!['file', 'untitled'].includes(document.uri.scheme) || offBecause(document) !== undefined) continue;
      const reported = vscode.languages.getDiagnostics(document.uri).filter((it) => it.severity <= vscode.DiagnosticSeverity.Warning);
      const diagnostics = reported.map(({ range, message }) => ({ range: client.code2ProtocolConverter.asRange(range), message }));
      void client.sendNotification(method.reported, { textDocument: { uri: client.code2ProtocolConverter.asUri(document.uri) }, diagnostics });
    }
  }
}
