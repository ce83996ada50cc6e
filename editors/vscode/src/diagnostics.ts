/** What other extensions report of open documents, told to the server: prompts near it may show it. Language servers do not tell each other. */
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { method } from './protocol';
import type { Session } from './session';
import { offBecause } from './switches';

/** Compilers report in bursts. */
const PAUSE_MS = 200;

export class Diagnostics implements vscode.Disposable {
  readonly #changed = new Set<string>();
  readonly #subscriptions: vscode.Disposable[];
  /** The client that was told what was known before it. */
  #knows: LanguageClient | undefined;
  #telling: NodeJS.Timeout | undefined;

  constructor(private readonly session: Session) {
    this.#subscriptions = [
      vscode.languages.onDidChangeDiagnostics(({ uris }) => {
        this.soon(uris);
      }),
      session.onDidChange(() => {
        const { client } = session;
        if (client && client !== this.#knows) this.soon(vscode.languages.getDiagnostics().flatMap(([uri, reported]) => (reported.length > 0 ? [uri] : [])));
        this.#knows = client;
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.#telling);
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  private soon(uris: readonly vscode.Uri[]): void {
    for (const uri of uris) this.#changed.add(uri.toString());
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => {
      this.tell();
    }, PAUSE_MS);
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
