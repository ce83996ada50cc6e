/**
 * What is spoken with the server beyond LSP itself: the Copilot language server's notifications, and Pilotlight's own request and notification.
 *
 * `Explanation` mirrors `assist::Explanation`; everything in it may be absent, so that a newer or older server is shown as far as it is understood.
 */
import type { Command, InlineCompletionItem, Position, Range } from 'vscode-languageclient/node';

/** `didChangeStatus`, from the server: the state to show in the status bar. */
export interface StatusParams {
  readonly busy: boolean;
  readonly message: string;
  readonly kind: 'Normal' | 'Warning' | 'Error' | 'Inactive';
  /** Why the last answer was empty, if it was. */
  readonly nothingBecause?: string;
}

/** `textDocument/didShowCompletion`. */
export interface DidShowParams {
  readonly item: InlineCompletionItem;
}

/** `textDocument/didPartiallyAcceptCompletion`. */
export interface DidPartiallyAcceptParams {
  readonly item: InlineCompletionItem;
  /** UTF-16 units from the start of `insertText`. */
  readonly acceptedLength: number;
}

/** `pilotlight/explain`: the last answer for a document. */
export interface ExplainParams {
  readonly textDocument: { readonly uri: string };
}

/** How an answer came about. */
export interface Explanation {
  /** Why nothing is shown; absent where something is. */
  readonly nothing_because?: string | null;
  /** The person typed what the ghost text said: the engine was not asked. */
  readonly kept?: boolean;
  /** It was computed while the person read the ghost text that has now been taken. */
  readonly foreseen?: boolean;
  /** The text is not the model's: it is a line from a place like this one. */
  readonly recalled?: Recalled | null;
  /** The prompt, in order. */
  readonly segments?: readonly Segment[];
  /** What might have stood in the prompt too. */
  readonly left_out?: readonly LeftOut[];
  /** Prompt tokens found in the KV cache. */
  readonly reused?: number;
  /** Prompt tokens computed. */
  readonly prefilled?: number;
  readonly decoded?: number;
  /** The geometric mean of the decoded tokens' probabilities. */
  readonly confidence?: number | null;
  /** Milliseconds by stage, from the request on. */
  readonly millis?: Readonly<Record<string, number>>;
}

/** Where a line that is offered again stands. */
export interface Recalled {
  readonly path: string;
  /** Zero-based. */
  readonly line: number;
  /** Whether some of its words are others there. */
  readonly renamed?: boolean;
  /** How often such a line is the right one: 0 to 1. */
  readonly sureness: number;
}

/** One segment of the prompt. */
export interface Segment {
  /** `header`, `prefix`, `suffix`, … */
  readonly source: string;
  readonly path: string;
  /** Zero-based. */
  readonly line: number;
  readonly tokens: number;
  /** What an excerpt was held to be worth; none for the open file itself. */
  readonly gain?: number | null;
  /** All of it was found in the KV cache. */
  readonly warm?: boolean;
}

/** Something that does not stand in the prompt. */
export interface LeftOut extends Segment {
  readonly because: string;
}

/** `pilotlight/nextEdit`: the next place that must follow what was changed. */
export interface NextEditParams {
  readonly textDocument: { readonly uri: string; readonly version: number };
  readonly position: Position;
}

/** One edit or none. */
export interface NextEditResult {
  readonly edits?: readonly NextEdit[];
}

export interface NextEdit {
  readonly text: string;
  readonly range: Range;
  /** The state of the document that it is for. */
  readonly textDocument: { readonly uri: string; readonly version: number };
  /** To be executed once it is made; its arguments name the offer. */
  readonly command?: Command;
}

export const method = {
  status: 'didChangeStatus',
  settings: 'workspace/didChangeConfiguration',
  moved: 'pilotlight/didMoveCursor',
  reported: 'pilotlight/didChangeDiagnostics',
  shown: 'textDocument/didShowCompletion',
  partlyAccepted: 'textDocument/didPartiallyAcceptCompletion',
  explain: 'pilotlight/explain',
  nextEdit: 'pilotlight/nextEdit',
} as const;

/** What the server is asked to execute, where it announces it. */
export const command = {
  takeEdit: 'pilotlight.takeEdit',
  dismissEdit: 'pilotlight.dismissEdit',
  /** `[uri, range, instruction]` */
  rewrite: 'pilotlight.rewrite',
} as const;
