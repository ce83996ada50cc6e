/**
 * The next edit: what the last change asks for elsewhere, shown where it would be made: what goes is struck through, what comes stands behind it.
 *
 * It has a key of its own, which first goes there and, on its line, makes it; Escape drops it, and the server does not offer it again. The cursor is moved by
 * that key alone. The server is asked when the keys rest after a change, and when the cursor comes to rest later: it offers nothing inside what is being typed.
 */
import * as vscode from 'vscode';
import { ExecuteCommandRequest, type Command, type LanguageClient } from 'vscode-languageclient/node';
import { command, method, type NextEditParams, type NextEditResult } from './protocol';
import type { Session } from './session';
import { offBecause } from './switches';

/** How long the keys and the cursor must rest before the server is asked. */
const PAUSE_MS = 300;

/** The key of package.json, as a person reads it. */
const KEY = process.platform === 'darwin' ? 'Option+Enter' : 'Alt+Enter';

/** An edit on the screen, for one state of one document. */
interface Offer {
  readonly document: vscode.TextDocument;
  readonly version: number;
  readonly range: vscode.Range;
  readonly text: string;
  /** Tells the server that it was made; its arguments name the offer. */
  readonly take: Command | undefined;
}

export class NextEdits implements vscode.Disposable {
  #offer: Offer | undefined;
  /** Something was changed since the last offer. */
  #changed = false;
  #timer: NodeJS.Timeout | undefined;
  #asking: vscode.CancellationTokenSource | undefined;
  /** Whether there is something of an offer on the screen. */
  #drawn = false;
  readonly #removed = vscode.window.createTextEditorDecorationType({
    textDecoration: 'line-through',
    backgroundColor: new vscode.ThemeColor('pilotlight.nextEdit.removedBackground'),
    border: '1px solid',
    borderColor: new vscode.ThemeColor('pilotlight.nextEdit.removedBorder'),
    overviewRulerColor: new vscode.ThemeColor('pilotlight.nextEdit.overviewRuler'),
    overviewRulerLane: vscode.OverviewRulerLane.Center,
  });
  readonly #inserted = vscode.window.createTextEditorDecorationType({ rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed });
  readonly #hint = vscode.window.createTextEditorDecorationType({ rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed });
  readonly #subscriptions: { dispose(): unknown }[];

  constructor(
    private readonly session: Session,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.#subscriptions = [
      this.#removed,
      this.#inserted,
      this.#hint,
      vscode.workspace.onDidChangeTextDocument((event) => {
        if (event.contentChanges.length > 0 && ours(event.document)) this.changed();
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (document === this.#offer?.document) this.hide();
      }),
      vscode.window.onDidChangeTextEditorSelection((event) => {
        this.draw();
        // Without a kind it was an edit, which has its own pause.
        if (event.kind !== undefined) this.rested();
      }),
      vscode.window.onDidChangeActiveTextEditor(() => {
        this.draw();
        this.rested();
      }),
      vscode.window.onDidChangeTextEditorVisibleRanges(() => {
        this.draw();
      }),
      session.onDidChange((state) => {
        if (state.is !== 'running') this.hide();
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('pilotlight') && this.#offer && offBecause(this.#offer.document) !== undefined) this.hide();
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#asking?.cancel();
    vscode.Disposable.from(...this.#subscriptions).dispose();
  }

  /** Where the edit on offer is, in words; nothing where there is none. */
  get where(): string | undefined {
    const offer = this.current();
    if (!offer) return undefined;
    const line = `line ${offer.range.start.line + 1}`;
    return offer.document === vscode.window.activeTextEditor?.document ? line : `${name(offer.document)}, ${line}`;
  }

  /** The key: goes to the edit, or makes it where the cursor is on its line already. Without one the server is asked, and the answer told. */
  async take(): Promise<void> {
    if (await this.accept()) return;
    const off = offBecause(vscode.window.activeTextEditor?.document);
    if (off !== undefined) vscode.window.setStatusBarMessage(`Pilotlight: ${off}`, 4_000);
    else if (!(await this.ask())) vscode.window.setStatusBarMessage('Pilotlight: no next edit', 4_000);
  }

  /** Drops the edit on offer; the server does not offer it again. */
  async dismiss(): Promise<void> {
    const offer = this.current();
    this.hide();
    this.#changed = false;
    if (offer?.take?.arguments) await this.tell(command.dismissEdit, offer.take.arguments);
  }

  private async accept(): Promise<boolean> {
    const offer = this.current();
    if (!offer) return false;
    const editor = vscode.window.activeTextEditor;
    const { start } = offer.range;
    if (editor?.document !== offer.document || editor.selection.active.line !== start.line) {
      await vscode.window.showTextDocument(offer.document, { selection: new vscode.Range(start, start), ...column(offer.document) });
      return true;
    }
    const made = await editor.edit((builder) => {
      builder.replace(offer.range, offer.text);
    });
    if (!made) throw new Error('The next edit could not be made: the text was changed meanwhile, or is read-only.');
    if (offer.take) await this.tell(offer.take.command, offer.take.arguments ?? []);
    await this.ask();
    return true;
  }

  private async tell(name: string, args: unknown[]): Promise<void> {
    await this.session.client?.sendRequest(ExecuteCommandRequest.type, { command: name, arguments: args });
  }

  /** The offer, while it is for the text as it is. */
  private current(): Offer | undefined {
    const offer = this.#offer;
    return offer && !offer.document.isClosed && offer.document.version === offer.version ? offer : undefined;
  }

  private changed(): void {
    this.hide();
    this.#changed = true;
    this.soon();
  }

  /** What was not offered where it was being typed may be offered once the cursor has left. */
  private rested(): void {
    if (this.#changed && !this.#offer) this.soon();
  }

  private soon(): void {
    clearTimeout(this.#timer);
    this.#asking?.cancel();
    if (!vscode.workspace.getConfiguration('pilotlight').get<boolean>('nextEdit.auto', true)) return;
    this.#timer = setTimeout(() => void this.ask(), PAUSE_MS);
  }

  /** Asks for the next edit and shows it; whether there is one. */
  private async ask(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#asking?.cancel();
    const { client } = this.session;
    const editor = vscode.window.activeTextEditor;
    if (!client || !editor || !ours(editor.document) || offBecause(editor.document) !== undefined || !announces(client, command.takeEdit)) return false;
    const asking = new vscode.CancellationTokenSource();
    this.#asking = asking;
    const { textDocument, position } = client.code2ProtocolConverter.asTextDocumentPositionParams(editor.document, editor.selection.active);
    const params: NextEditParams = { textDocument: { ...textDocument, version: editor.document.version }, position };
    try {
      const answer = await client.sendRequest<NextEditResult | null>(method.nextEdit, params, asking.token);
      return !asking.token.isCancellationRequested && this.show(client, answer);
    } catch (error) {
      if (!asking.token.isCancellationRequested) this.log.warn(`${method.nextEdit}: ${String(error)}`);
      return false;
    } finally {
      if (this.#asking === asking) this.#asking = undefined;
      asking.dispose();
    }
  }

  private show(client: LanguageClient, answer: NextEditResult | null): boolean {
    const [edit] = answer?.edits ?? [];
    if (!edit) return false;
    const { uri, version } = edit.textDocument;
    const document = vscode.workspace.textDocuments.find((open) => client.code2ProtocolConverter.asUri(open.uri) === uri);
    // An edit for another text is none.
    if (document?.version !== version || offBecause(document) !== undefined) return false;
    this.#changed = false;
    this.#offer = { document, version, range: client.protocol2CodeConverter.asRange(edit.range), text: edit.text, take: edit.command };
    this.draw();
    return true;
  }

  private hide(): void {
    if (!this.#offer) return;
    this.#offer = undefined;
    this.draw();
  }

  private draw(): void {
    const offer = this.current();
    if (!offer && !this.#drawn) return;
    this.#drawn = offer !== undefined;
    void vscode.commands.executeCommand('setContext', 'pilotlight.nextEditVisible', this.#drawn);
    for (const editor of vscode.window.visibleTextEditors) {
      const here = offer?.document === editor.document ? offer : undefined;
      editor.setDecorations(this.#removed, here ? [{ range: here.range, hoverMessage: hover(here) }] : []);
      editor.setDecorations(this.#inserted, here ? [arriving(here)] : []);
      editor.setDecorations(this.#hint, offer && editor === vscode.window.activeTextEditor ? [hint(offer, editor)] : []);
    }
  }
}

/** Whether the server says that it has a command. */
export function announces(client: LanguageClient, name: string): boolean {
  return client.initializeResult?.capabilities.executeCommandProvider?.commands.includes(name) === true;
}

function ours(document: vscode.TextDocument): boolean {
  return ['file', 'untitled'].includes(document.uri.scheme);
}

function name(document: vscode.TextDocument): string {
  return document.uri.path.slice(document.uri.path.lastIndexOf('/') + 1);
}

/** Where a document is open: it is not opened a second time beside itself. */
function column(document: vscode.TextDocument): { viewColumn?: vscode.ViewColumn } {
  const active = vscode.window.activeTextEditor;
  if (active?.document === document && active.viewColumn !== undefined) return { viewColumn: active.viewColumn };
  const group = vscode.window.tabGroups.all.find(({ tabs }) => tabs.some(({ input }) => input instanceof vscode.TabInputText && input.uri.toString() === document.uri.toString()));
  return group ? { viewColumn: group.viewColumn } : {};
}

function arriving({ range, text }: Offer): vscode.DecorationOptions {
  const after: vscode.ThemableDecorationAttachmentRenderOptions = {
    // Lines cannot be put between lines here: they are told apart by a sign, and the hover has them as they are.
    contentText: text.replaceAll(/\r?\n/g, '⏎').replaceAll(' ', '\u00a0'),
    color: new vscode.ThemeColor('pilotlight.nextEdit.insertedForeground'),
    backgroundColor: new vscode.ThemeColor('pilotlight.nextEdit.insertedBackground'),
    border: '1px solid',
    borderColor: new vscode.ThemeColor('pilotlight.nextEdit.insertedBorder'),
  };
  return { range: new vscode.Range(range.end, range.end), renderOptions: text === '' ? {} : { after } };
}

/** Where to look and what to press: at the edit where it is in view, else at the cursor. */
function hint({ document, range }: Offer, editor: vscode.TextEditor): vscode.DecorationOptions {
  const cursor = editor.selection.active.line;
  const there = range.start.line;
  const here = editor.document === document;
  const visible = here && editor.visibleRanges.some((part) => part.start.line <= there && there <= part.end.line);
  const place = here ? `line ${there + 1}` : `${name(document)}, line ${there + 1}`;
  const words = visible ? `${KEY} to ${cursor === there ? 'apply' : 'go here'}` : `${KEY} to go to ${place}`;
  const { end } = editor.document.lineAt(visible ? there : cursor).range;
  const after = { contentText: words.replaceAll(' ', '\u00a0'), color: new vscode.ThemeColor('pilotlight.nextEdit.hintForeground'), margin: '0 0 0 3ch' };
  return { range: new vscode.Range(end, end), renderOptions: { after } };
}

function hover({ document, text }: Offer): vscode.MarkdownString {
  const page = new vscode.MarkdownString(text === '' ? 'The next edit takes this away.' : 'The next edit:');
  if (text !== '') page.appendCodeblock(text, document.languageId);
  page.appendMarkdown(`\n\n[Apply](command:pilotlight.nextEdit) (${KEY}) · [Dismiss](command:pilotlight.dismissNextEdit) (Escape)`);
  page.isTrusted = { enabledCommands: ['pilotlight.nextEdit', 'pilotlight.dismissNextEdit'] };
  return page;
}
