/** Rewriting by an instruction: asked for in an input box, done by the server's command, where it announces one. */
import * as vscode from 'vscode';
import { ExecuteCommandRequest, type ExecuteCommandMiddleware, type Range, type StaticFeature } from 'vscode-languageclient/node';
import { announces } from './nextEdit';
import { command } from './protocol';
import type { Session } from './session';

/**
 * The language client registers each command that the server announces, and so this one too. From the palette, a menu or a key it comes without arguments, from a
 * code action with a place; the person is asked for the rest here, and then the server.
 */
export class Rewrite implements vscode.Disposable {
  #session: Session | undefined;
  #subscription: vscode.Disposable | undefined;

  readonly middleware: ExecuteCommandMiddleware = {
    executeCommand: (name, args: unknown[], next) => {
      if (name !== command.rewrite || args.length > 2) return next(name, args) as unknown;
      const [uri, range] = args as [string?, Range?];
      return this.told(() => this.run(uri, range));
    },
  };

  /** Tells the server that such actions are not in vain. */
  readonly feature: StaticFeature = {
    fillClientCapabilities: (capabilities) => {
      capabilities.experimental = { ...(capabilities.experimental as object | undefined), pilotlight: { asksInstruction: true } };
    },
    initialize: () => undefined,
    getState: () => ({ kind: 'static' }),
    clear: () => undefined,
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

  private async run(uri?: string, range?: Range): Promise<void> {
    const client = this.#session?.client;
    if (!client) return;
    const { code2ProtocolConverter: to, protocol2CodeConverter: from } = client;
    const editor = vscode.window.visibleTextEditors.find(({ document }) => to.asUri(document.uri) === uri) ?? vscode.window.activeTextEditor;
    if (!editor) return;
    const { document } = editor;
    const { version } = document;
    // Without a selection the server takes the function at the cursor.
    const selection = range ? from.asRange(range) : editor.selection;
    const lines = selection.end.line - selection.start.line + 1;
    const what = selection.isEmpty ? 'what is here' : lines === 1 ? 'the selection' : `the ${lines} selected lines`;
    const instruction = await vscode.window.showInputBox({
      title: `Pilotlight: rewrite ${what}`,
      prompt: 'What is to become of it?',
      placeHolder: 'such as: use an iterator instead of the loop',
    });
    if (instruction === undefined || instruction.trim() === '') return;
    if (document.isClosed || document.version !== version) throw new Error('Nothing was rewritten: the text was changed meanwhile.');
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
