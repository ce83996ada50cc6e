/**
 * Ghost text: the request that VS Code's inline suggestions make, and what the server is told of their fate.
 *
 * VS Code draws, cycles and accepts by its own commands. An item taken whole runs its `command` on the server (the client registers what the server
 * announces). That an item was shown, or taken in part, is told by VS Code to proposed API only, which a published extension cannot have; so both are read
 * off the document: see {@link partlyAccepted}.
 */
import * as vscode from 'vscode';
import { InlineCompletionRequest, type InlineCompletionItem, type InlineCompletionList, type InlineCompletionParams, type Middleware } from 'vscode-languageclient/node';
import { method, type DidPartiallyAcceptParams, type DidShowParams } from './protocol';
import type { Session } from './session';
import { offBecause } from './switches';

/** A cursor that moves on within this is on its way. */
const PAUSE_MS = 100;

/** What the Copilot language server's clients add to LSP's parameters. */
interface Params extends InlineCompletionParams {
  readonly textDocument: { readonly uri: string; readonly version: number };
  readonly formattingOptions: { readonly tabSize: number; readonly insertSpaces: boolean };
}

/** An answer of the server, seen from here. */
export interface Answer {
  readonly document: vscode.TextDocument;
  readonly items: number;
  /** From VS Code's question to the server's answer, both ways of the wire included. */
  readonly millis: number;
}

/** The item on the screen, and where it begins. */
interface Shown {
  readonly uri: string;
  readonly start: vscode.Position;
  readonly text: string;
  readonly item: InlineCompletionItem;
}

export class Suggestions implements vscode.Disposable {
  #session: Session | undefined;
  #shown: Shown | undefined;
  readonly #answered = new vscode.EventEmitter<Answer>();
  readonly onDidAnswer = this.#answered.event;
  readonly #subscriptions: vscode.Disposable[];
  #moving: NodeJS.Timeout | undefined;

  readonly middleware: Middleware = {
    provideInlineCompletionItems: (document, position, context, token) => this.provide(document, position, context, token),
  };

  constructor(private readonly log: vscode.LogOutputChannel) {
    this.#subscriptions = [
      vscode.workspace.onDidChangeTextDocument((event) => {
        this.changed(event);
      }),
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        if (editor) this.moved(editor);
      }),
      vscode.window.onDidChangeTextEditorSelection((event) => {
        // Without a kind it was an edit: each keystroke asks for itself.
        if (event.kind !== undefined) this.moved(event.textEditor);
      }),
    ];
  }

  /** The middleware is part of the session, and the session of this: so they are joined last. */
  attach(session: Session): void {
    this.#session = session;
    session.onDidChange((state) => {
      if (state.is !== 'running') this.#shown = undefined;
    });
  }

  dispose(): void {
    clearTimeout(this.#moving);
    vscode.Disposable.from(...this.#subscriptions, this.#answered).dispose();
  }

  /** Asks VS Code to drop what it shows: nothing else takes ghost text away that is already there. */
  hide(): void {
    this.#shown = undefined;
    void vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
  }

  /** Tells the server where the cursor has come to rest: it computes the prompt for there, so that the first keystroke does not wait for it. */
  private moved(editor: vscode.TextEditor): void {
    clearTimeout(this.#moving);
    this.#moving = setTimeout(() => {
      const client = this.#session?.client;
      if (!client || !['file', 'untitled'].includes(editor.document.uri.scheme) || offBecause(editor.document) !== undefined) return;
      const place = client.code2ProtocolConverter.asTextDocumentPositionParams(editor.document, editor.selection.active);
      void client.sendNotification(method.moved, place);
    }, PAUSE_MS);
  }

  private async provide(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[] | vscode.InlineCompletionList | null> {
    const client = this.#session?.client;
    // Asking the server would be a waste, and would send it a document that the person keeps from it.
    if (!client || offBecause(document) !== undefined) return null;
    const editor = vscode.window.visibleTextEditors.find((open) => open.document === document);
    const asked = client.code2ProtocolConverter.asInlineCompletionParams(document, position, context);
    const params: Params = {
      ...asked,
      textDocument: { ...asked.textDocument, version: document.version },
      formattingOptions: {
        tabSize: typeof editor?.options.tabSize === 'number' ? editor.options.tabSize : 4,
        insertSpaces: editor?.options.insertSpaces !== false,
      },
    };
    const began = performance.now();
    let answer: InlineCompletionItem[] | InlineCompletionList | null;
    try {
      answer = await client.sendRequest(InlineCompletionRequest.type, params, token);
    } catch (error) {
      return client.handleFailedRequest(InlineCompletionRequest.type, token, error, null, false);
    }
    if (token.isCancellationRequested) return null;
    const millis = performance.now() - began;
    const items = Array.isArray(answer) ? answer : (answer?.items ?? []);
    this.log.debug(`inlineCompletion ${document.languageId}: ${items.length} item(s) in ${millis.toFixed(1)} ms`);
    this.#answered.fire({ document, items: items.length, millis });
    this.remember(document, position, items[0]);
    return client.protocol2CodeConverter.asInlineCompletionResult(items, token);
  }

  /** VS Code shows the first item. Each is told once, though it is offered again with every key that agrees with it. */
  private remember(document: vscode.TextDocument, position: vscode.Position, item: InlineCompletionItem | undefined): void {
    const client = this.#session?.client;
    const before = this.#shown?.item;
    this.#shown = undefined;
    if (!client || typeof item?.insertText !== 'string') return;
    const start = item.range ? client.protocol2CodeConverter.asRange(item.range).start : position;
    this.#shown = { uri: document.uri.toString(), start, text: item.insertText, item };
    void vscode.commands.executeCommand('setContext', 'pilotlight.suggested', true);
    if (sameItem(before, item)) return;
    void client.sendNotification(method.shown, { item } satisfies DidShowParams);
  }

  private changed(event: vscode.TextDocumentChangeEvent): void {
    const shown = this.#shown;
    if (event.document.uri.toString() !== shown?.uri || event.contentChanges.length === 0) return;
    const accepted = event.reason === undefined ? partlyAccepted(shown, event) : undefined;
    if (accepted === undefined) return;
    this.log.debug(`accepted ${accepted} of ${shown.text.length} characters`);
    void this.#session?.client?.sendNotification(method.partlyAccepted, { item: shown.item, acceptedLength: accepted } satisfies DidPartiallyAcceptParams);
  }
}

/** The server names its items in the arguments of their command; without one, the same text at the same place is the same item. */
function sameItem(a: InlineCompletionItem | undefined, b: InlineCompletionItem): boolean {
  if (!a) return false;
  if (a.command?.arguments && b.command?.arguments) return JSON.stringify(a.command.arguments) === JSON.stringify(b.command.arguments);
  return a.insertText === b.insertText && JSON.stringify(a.range) === JSON.stringify(b.range);
}

/**
 * How much of the ghost text the document now has, if this change took a piece of it by “accept word” or “accept line”.
 *
 * A key inserts one character, or a bracket with its partner, or a line break with indentation; a piece of two characters and more that are not white
 * space is an accept. A piece of one character (accepting `(` by word) cannot be told from a key and goes uncounted.
 */
function partlyAccepted(shown: Shown, event: vscode.TextDocumentChangeEvent): number | undefined {
  const [change, ...others] = event.contentChanges;
  if (!change || others.length > 0 || change.rangeLength > 0) return undefined;
  const piece = change.text.replaceAll('\r\n', '\n');
  if (piece.trim().length < 2 || /^(\(\)|\[\]|\{\}|""|''|``|<>)$/.test(piece)) return undefined;
  const end = event.document.positionAt(change.rangeOffset + change.text.length);
  const now = event.document.getText(new vscode.Range(shown.start, end)).replaceAll('\r\n', '\n');
  const whole = shown.text.replaceAll('\r\n', '\n');
  return now.endsWith(piece) && now.length < whole.length && whole.startsWith(now) ? now.length : undefined;
}
