/** The flame in the status bar: the model, whether it works, whether it is off here, what is wrong. Its menu is in menu.ts. */
import * as vscode from 'vscode';
import { LOG, MODEL, RESTART, type Session, type State } from './session';
import type { Suggestions } from './suggestion';
import { offBecause } from './switches';

/** How the server's reasons begin where a file is excluded. (The protocol has only words for them.) */
const EXCLUDED = 'completions are off in this file: ';
/** A longer message is for the tooltip. */
const LONGEST = 32;

/** What the status bar says. */
export interface Words {
  readonly icon: string;
  readonly text: string;
  /** A sentence or two. */
  readonly detail: string;
  readonly level: 'normal' | 'warning' | 'error';
}

/** The server's state and the switches, in words. `excluded` is why the server leaves the document alone, if it does. */
export function words(state: State, document: vscode.TextDocument | undefined, excluded?: string): Words {
  switch (state.is) {
    case 'starting':
      return { icon: 'loading~spin', text: 'Pilotlight', detail: 'The server is starting.', level: 'normal' };
    case 'stopped':
      return { icon: 'circle-slash', text: 'Pilotlight: stopped', detail: 'The server is stopped.', level: 'normal' };
    case 'failed':
      return { icon: 'error', text: 'Pilotlight: not running', detail: state.message, level: 'error' };
    case 'running':
      break;
  }
  const message = state.status?.message.trim() ?? '';
  const [line = ''] = message.split('\n');
  const text = line === '' || line.length > LONGEST ? 'Pilotlight' : line;
  const busy = state.status?.busy === true;
  const kind = state.status?.kind ?? 'Normal';
  const how = message === '' ? `${state.server}: ready` : kind === 'Normal' && !busy ? `${message}: ready` : message;
  // That a file is excluded is of no interest in another.
  const because = state.status?.nothingBecause?.startsWith(EXCLUDED) === true ? undefined : state.status?.nothingBecause;
  const detail = because === undefined ? how : `${how}. Last time nothing was suggested: ${because}.`;
  if (kind === 'Error') return { icon: 'error', text: text === 'Pilotlight' ? 'Pilotlight: error' : text, detail, level: 'error' };
  if (kind === 'Warning') return { icon: 'warning', text, detail, level: 'warning' };
  const off = offBecause(document);
  if (off !== undefined) return { icon: 'circle-slash', text: `Pilotlight: ${off}`, detail: `No suggestions: ${off}.`, level: 'normal' };
  if (excluded !== undefined) return { icon: 'circle-slash', text: 'Pilotlight: off here', detail: `No suggestions here: ${excluded}.`, level: 'normal' };
  if (kind === 'Inactive') return { icon: 'circle-slash', text, detail, level: 'normal' };
  return { icon: busy ? 'loading~spin' : 'flame', text, detail, level: 'normal' };
}

export class StatusItem implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem('pilotlight.status', vscode.StatusBarAlignment.Right, 100);
  readonly #subscriptions: vscode.Disposable[];
  /** Documents that the server leaves alone, and why. */
  readonly #excluded = new WeakMap<vscode.TextDocument, string>();

  constructor(
    private readonly session: Session,
    suggestions: Suggestions,
  ) {
    this.#item.name = 'Pilotlight';
    this.#item.command = 'pilotlight.menu';
    this.#subscriptions = [
      session.onDidChange((state) => {
        this.told(state);
        this.draw();
      }),
      suggestions.onDidAnswer(({ document, items }) => {
        if (items > 0 && this.#excluded.delete(document)) this.draw();
      }),
      vscode.window.onDidChangeActiveTextEditor(() => {
        this.draw();
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('pilotlight')) this.draw();
      }),
    ];
    this.draw();
    this.#item.show();
  }

  dispose(): void {
    vscode.Disposable.from(...this.#subscriptions, this.#item).dispose();
  }

  /** Why the last answer was empty holds for the document looked at. */
  private told(state: State): void {
    const document = vscode.window.activeTextEditor?.document;
    const because = state.is === 'running' ? state.status?.nothingBecause : undefined;
    if (!document || because === undefined) return;
    if (because.startsWith(EXCLUDED)) this.#excluded.set(document, because.slice(EXCLUDED.length));
    else this.#excluded.delete(document);
  }

  private draw(): void {
    const document = vscode.window.activeTextEditor?.document;
    const { icon, text, detail, level } = words(this.session.state, document, document && this.#excluded.get(document));
    this.#item.text = `$(${icon}) ${text}`;
    this.#item.backgroundColor = level === 'normal' ? undefined : new vscode.ThemeColor(`statusBarItem.${level}Background`);
    this.#item.accessibilityInformation = { label: `${text}. ${detail}` };
    const tooltip = new vscode.MarkdownString('', true);
    tooltip.isTrusted = { enabledCommands: [MODEL.command, RESTART.command, LOG.command] };
    tooltip.appendText(detail);
    const model = this.session.state.is === 'running' ? `[${MODEL.title}](command:${MODEL.command}) · ` : '';
    if (level !== 'normal') tooltip.appendMarkdown(`\n\n${model}[Restart](command:${RESTART.command}) · [Show log](command:${LOG.command})`);
    this.#item.tooltip = tooltip;
  }
}
