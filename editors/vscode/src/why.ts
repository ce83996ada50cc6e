/**
 * “Why this suggestion”: what the model was shown, what its cache held already, and what each stage cost, for the last answer of the document looked at.
 * Kept current while it is open. A page of static HTML in the colours of the theme: no script, nothing loaded.
 */
import * as vscode from 'vscode';
import { method, type Explanation, type ExplainParams, type LeftOut, type Segment } from './protocol';
import type { Session } from './session';
import type { Answer, Suggestions } from './suggestion';
import { offBecause } from './switches';

/** Answers come with every key; the page is drawn when they pause. */
const PAUSE_MS = 150;

export class WhyView implements vscode.Disposable {
  #panel: vscode.WebviewPanel | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The document explained: the page itself takes the focus from the editor without changing what it is about. */
  #document: vscode.TextDocument | undefined;
  readonly #answers = new WeakMap<vscode.TextDocument, Answer>();
  readonly #subscriptions: vscode.Disposable[];

  constructor(
    private readonly session: Session,
    suggestions: Suggestions,
  ) {
    this.#subscriptions = [
      suggestions.onDidAnswer((answer) => {
        this.#answers.set(answer.document, answer);
        this.#document = answer.document;
        this.soon();
      }),
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        if (!editor) return;
        this.#document = editor.document;
        this.soon();
      }),
      session.onDidChange((state) => {
        if (state.is !== 'running' || state.status?.busy !== true) this.soon();
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.#timer);
    vscode.Disposable.from(...this.#subscriptions).dispose();
    this.#panel?.dispose();
  }

  async show(): Promise<void> {
    this.#document = vscode.window.activeTextEditor?.document ?? this.#document;
    if (this.#panel) {
      this.#panel.reveal(undefined, true);
    } else {
      const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
      this.#panel = vscode.window.createWebviewPanel('pilotlight.why', 'Why This Suggestion', place, { enableScripts: false, localResourceRoots: [] });
      this.#panel.iconPath = new vscode.ThemeIcon('flame') as unknown as vscode.Uri;
      this.#panel.onDidDispose(() => {
        this.#panel = undefined;
      });
      this.#panel.onDidChangeViewState(() => {
        this.soon();
      });
    }
    await this.draw();
  }

  private soon(): void {
    if (this.#panel?.visible !== true) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.draw(), PAUSE_MS);
  }

  private async draw(): Promise<void> {
    const page = frame(await this.body());
    if (this.#panel) this.#panel.webview.html = page;
  }

  private async body(): Promise<string> {
    const { state, client } = this.session;
    const document = this.#document;
    if (state.is === 'failed') return `<h1>No suggestions</h1><p>${escape(state.message)}</p>`;
    if (!client) return '<h1>No suggestions</h1><p>The server is not running.</p>';
    if (!document) return '<h1>No suggestion yet</h1><p>Open a source file and type.</p>';
    const name = escape(vscode.workspace.asRelativePath(document.uri));
    const off = offBecause(document);
    if (off !== undefined) return `<h1>No suggestions</h1><p>Pilotlight is ${escape(off)}. The flame in the status bar turns it on.</p>`;
    const params: ExplainParams = { textDocument: { uri: client.code2ProtocolConverter.asUri(document.uri) } };
    let explanation: Explanation | null;
    try {
      explanation = await client.sendRequest<Explanation | null>(method.explain, params);
    } catch (error) {
      return `<h1>No explanation</h1><p>${name}: ${escape(error instanceof Error ? error.message : String(error))}</p>`;
    }
    if (explanation === null) return `<h1>No suggestion yet</h1><p>Nothing was asked for in ${name} so far: type in it.</p>`;
    return render(explanation, name, this.#answers.get(document)?.millis);
  }
}

function render(why: Explanation, name: string, millis: number | undefined): string {
  const { segments = [], left_out: leftOut = [], reused = 0, prefilled = 0, decoded = 0 } = why;
  const nothing = why.nothing_because ?? undefined;
  const verdict =
    nothing !== undefined
      ? `Nothing is shown: ${escape(nothing)}.`
      : why.kept === true
        ? 'You typed what the suggestion said: it was kept, and the model was not asked again.'
        : why.foreseen === true
          ? 'It was computed while you read the suggestion before, and was there at once.'
          : why.recalled
            ? `It is a line from a place like this one, ${place(why.recalled)}${why.recalled.renamed === true ? ', with the words of this one' : ''}: right in ${(why.recalled.sureness * 100).toFixed(0)} of 100 cases like it.`
          : 'The model had a suggestion, and VS Code was given it.';
  const facts: [string, string][] = [];
  if (reused + prefilled > 0) {
    facts.push(['Prompt', `${reused + prefilled} tokens: <b>${reused}</b> reused from the cache, <b>${prefilled}</b> computed`]);
    facts.push(['', bar([reused, 'reused'], [prefilled, 'prefilled'])]);
  }
  if (decoded > 0) facts.push(['Written', `${decoded} tokens`]);
  if (typeof why.confidence === 'number') facts.push(['Confidence', `${(why.confidence * 100).toFixed(0)} %`]);
  return `<h1>${nothing === undefined ? 'Why this suggestion' : 'Why no suggestion'}</h1>
<p class="file">${name}</p>
<p>${verdict}</p>
${facts.length > 0 ? `<table class="facts">${facts.map(([key, value]) => `<tr><th scope="row">${key}</th><td>${value}</td></tr>`).join('')}</table>` : ''}
${segments.length > 0 ? prompt(segments) : ''}
${leftOut.length > 0 ? without(leftOut) : ''}
${stages(why.kept === true ? {} : (why.millis ?? {}), millis)}`;
}

function prompt(segments: readonly Segment[]): string {
  const largest = Math.max(1, ...segments.map((segment) => segment.tokens));
  const rows = segments.map(
    (segment) => `<tr><td>${escape(segment.source)}</td><td class="path">${place(segment)}</td>
<td class="number">${segment.tokens}</td><td class="number">${worth(segment)}</td><td class="chart">${bar([segment.tokens, segment.warm === false ? 'prefilled' : 'reused'], [largest - segment.tokens, ''])}</td></tr>`,
  );
  return `<h2>What the model was shown, in order</h2>
<table><tr><th>Segment</th><th>From</th><th class="number">Tokens</th><th class="number">Gain</th><th></th></tr>${rows.join('')}</table>
<p class="file"><span class="key reused"></span> was in the cache, <span class="key prefilled"></span> was computed, at least in part</p>`;
}

function without(leftOut: readonly LeftOut[]): string {
  const rows = leftOut.map(
    (left) => `<tr><td>${escape(left.source)}</td><td class="path">${place(left)}</td><td class="number">${left.tokens}</td><td class="number">${worth(left)}</td><td>${escape(left.because)}</td></tr>`,
  );
  return `<h2>What was left out</h2>
<table><tr><th>Segment</th><th>From</th><th class="number">Tokens</th><th class="number">Gain</th><th>Because</th></tr>${rows.join('')}</table>`;
}

function place({ path, line }: Pick<Segment, 'path' | 'line'>): string {
  return `${escape(path)}${path ? `:${line + 1}` : ''}`;
}

function worth({ gain }: Segment): string {
  return typeof gain === 'number' ? gain.toFixed(1) : '';
}

/** Stages that follow one another, as the server names them; `first_token` and `total` are sums of others. */
const STAGES: Readonly<Record<string, string>> = {
  plan: 'Planning the prompt',
  queued: 'Waiting for the engine',
  prefill: 'Reading what is new',
  decode: 'Writing',
};

function stages(millis: Readonly<Record<string, number>>, answered: number | undefined): string {
  const total = millis['total'] ?? 0;
  const rows = Object.entries(STAGES).flatMap(([key, label]) => (millis[key] === undefined ? [] : [row(label, millis[key], Math.max(total, 0.001))]));
  if (millis['total'] !== undefined) rows.push(`<tr class="sum"><td>In the server</td><td class="number">${ms(total)}</td><td></td></tr>`);
  if (answered !== undefined) rows.push(`<tr><td>From VS Code’s question to the answer</td><td class="number">${ms(answered)}</td><td></td></tr>`);
  return rows.length === 0 ? '' : `<h2>What it cost</h2><table><tr><th>Stage</th><th class="number">ms</th><th></th></tr>${rows.join('')}</table>`;
}

function row(label: string, value: number, total: number): string {
  return `<tr><td>${label}</td><td class="number">${ms(value)}</td><td class="chart">${bar([value, 'prefilled'], [Math.max(0, total - value), ''])}</td></tr>`;
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}

/** A bar of parts, each as wide as its share. */
function bar(...parts: [number, string][]): string {
  const sum = parts.reduce((all, [size]) => all + size, 0) || 1;
  return `<div class="bar">${parts.map(([size, kind]) => `<span class="${kind}" style="width:${((size / sum) * 100).toFixed(2)}%"></span>`).join('')}</div>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function frame(body: string): string {
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Why This Suggestion</title>
<style>
body { font: var(--vscode-font-size)/1.5 var(--vscode-font-family); color: var(--vscode-foreground); padding: 0 1.6em 2em; max-width: 52em; }
h1 { font-size: 1.4em; font-weight: 600; margin: 1.2em 0 0.2em; }
h2 { font-size: 1em; font-weight: 600; margin: 2em 0 0.5em; }
p { margin: 0.4em 0; }
.file { color: var(--vscode-descriptionForeground); font-family: var(--vscode-editor-font-family); }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 400; color: var(--vscode-descriptionForeground); }
th, td { padding: 0.25em 1.2em 0.25em 0; vertical-align: middle; }
tr + tr td { border-top: 1px solid var(--vscode-widget-border, transparent); }
.facts { margin-top: 0.8em; }
.facts tr td { border: 0; }
.facts th { width: 7em; }
.number { text-align: right; font-variant-numeric: tabular-nums; width: 5em; }
.path { font-family: var(--vscode-editor-font-family); overflow-wrap: anywhere; }
.sum td { font-weight: 600; }
.chart { width: 30%; padding-right: 0; }
.bar { display: flex; height: 0.6em; min-width: 6em; border-radius: 2px; overflow: hidden; background: var(--vscode-editorWidget-background); }
.key { display: inline-block; width: 0.7em; height: 0.7em; border-radius: 2px; }
.reused { background: var(--vscode-charts-blue); }
.prefilled { background: var(--vscode-charts-orange); }
</style></head><body>${body}</body></html>`;
}
