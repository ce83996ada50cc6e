/** Rewriting the selection by an instruction: asked for in an input box, done by the server's command of the same name, where it announces one. */
import * as vscode from 'vscode';
import { ExecuteCommandRequest, type ExecuteCommandMiddleware } from 'vscode-languageclient/node';
import { announces } from './nextEdit';
import { command } from './protocol';
import type { Session } from './session';

/**
 * The language client registers each command that the server announces, and so this one too: without arguments (from the palette, a menu, a key) the person is
 * asked for them here.
 */
export class Rewrite implements vscode.Disposable {
  #session: Session | undefined;
  #subscription: vscode.Disposable | undefined;

  readonly middleware: ExecuteCommandMiddleware = {
    executeCommand: (name, args: unknown[], next) => (name === command.rewrite && args.length === 0 ? this.told(() => this.run()) : (next(name, args) as unknown)),
  };

  /** @param told runs a command; a failure is told in words (an error that VS Code is left with stops the person by a dialog) */
  constructor(private readonly told: (run: () => Promise<void>) => Promise<void>) {}

  /** The middleware is part of the session, and the session of this: so they are joined last. */
  attach(session: Session): void {
    this.#session = session;
    this.#subscription = session.onDidChange(() => {
      const { client } = session;
      void vscode.commands.executeCommand('setContext', 'pilotlight.rewrites', client !== undefined && announces(client, command.rewrite));
    });
  }

  dispose(): void {
    this.#subscription?.dispose();
  }

  private async run(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const client = this.#session?.client;
    if (!client || !editor) return;
    const { document, selection } = editor;
    if (selection.isEmpty) throw new Error('Select what is to be rewritten.');
    const { version } = document;
    const lines = selection.end.line - selection.start.line + 1;
    const instruction = await vscode.window.showInputBox({
      title: lines === 1 ? 'Pilotlight: rewrite the selection' : `Pilotlight: rewrite the ${lines} selected lines`,
      prompt: 'What is to become of it?',
      placeHolder: 'such as: use an iterator instead of the loop',
    });
    if (instruction === undefined || instruction.trim() === '') return;
    if (document.isClosed || document.version !== version) throw new Error('Nothing was rewritten: the text was changed meanwhile.');
    const { code2ProtocolConverter: to } = client;
    const params = { command: command.rewrite, arguments: [to.asUri(document.uri), to.asRange(selection), instruction.trim()] };
    const options = { location: vscode.ProgressLocation.Notification, title: 'Pilotlight: rewriting', cancellable: true };
    await vscode.window.withProgress(options, async (_, token) => {
      try {
        await client.sendRequest(ExecuteCommandRequest.type, params, token);
      } catch (error) {
        if (!token.isCancellationRequested) throw error;
      }
    });
  }
}
