#!/usr/bin/env node
// A scripted stand-in for `pilotlight`, so that what an editor shows can be tested to the letter.
//
// It completes lines that it knows (KNOWN below), answers `pilotlight/explain`, carries names of functions that were changed to their calls (`pilotlight/nextEdit`),
// follows the documents as LSP says, and writes every message it gets to $PILOTLIGHT_FAKE_LOG, one JSON object a line, each with its process id. A document
// whose name begins with `broken` turns its status to Error while it is open, in one whose name begins with `ignored` there are no completions; a next edit in one whose name begins with `stale` is for another version.
import { appendFileSync, existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { follow, frame } from '../frames.mjs';

/** What it would write: a line that is begun is completed to its end, or to the end of its block. */
export const KNOWN = [
  '    let total = items.iter().sum::<u64>();',
  '    for item in items {\n        println!("{item}");\n    }',
  '    items.iter().max().copied()',
  'total = sum(items)',
];
/** What it offers besides when it is asked for more (triggerKind Invoked). */
export const ALTERNATIVE = 'unimplemented!()';

const documents = new Map();
const versions = new Map();
/** The names of each document's functions when it was opened. */
const opened = new Map();
/** Offers of next edits by number, and the places that are not offered (any more). */
const offers = new Map();
const closed = new Set();
let nextId = 1;
let nothingBecause;
let last;

function record(entry) {
  if (process.env.PILOTLIGHT_FAKE_LOG) appendFileSync(process.env.PILOTLIGHT_FAKE_LOG, `${JSON.stringify({ pid: process.pid, ...entry })}\n`);
}

const send = (message) => process.stdout.write(frame(message));
const status = (kind, message, busy = false) => send({ method: 'didChangeStatus', params: { kind, message, busy } });

/** Why the last answer was empty, as the real server says it: only when that changes. */
function told(because) {
  if (because === nothingBecause) return;
  nothingBecause = because;
  send({ method: 'didChangeStatus', params: { kind: 'Normal', message: 'ember', busy: false, nothingBecause } });
}

function offset(text, { line, character }) {
  let at = 0;
  for (let i = 0; i < line; i++) at = text.indexOf('\n', at) + 1;
  return at + character;
}

function edit(text, changes) {
  for (const { range, text: inserted } of changes) {
    text = range ? text.slice(0, offset(text, range.start)) + inserted + text.slice(offset(text, range.end)) : inserted;
  }
  return text;
}

function complete({ textDocument, position, context }) {
  const excluded = /\/ignored[^/]*$/.test(textDocument.uri);
  told(excluded ? 'completions are off in this file: .gitignore excludes it' : undefined);
  if (excluded) return { items: [] };
  const text = documents.get(textDocument.uri) ?? '';
  const at = offset(text, position);
  const before = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  const line = before.trim().length < 3 ? undefined : KNOWN.find((known) => known.startsWith(before) && known.length > before.length);
  const rests = line === undefined ? [] : [line.slice(before.length)];
  if (line !== undefined && context.triggerKind === 1) rests.push(ALTERNATIVE);
  last = {
    nothing_because: line === undefined ? 'the model has nothing to add here' : null,
    kept: false,
    recalled: line === undefined ? null : { path: 'src/like.rs', line: 6, sureness: 0.724 },
    segments: [
      { source: 'header', path: 'src/lib.rs', line: 0, tokens: 7, gain: null, warm: true },
      { source: 'definition', path: 'src/sum.rs', line: 30, tokens: 40, gain: 2.75, warm: true },
      { source: 'suffix', path: 'src/lib.rs', line: position.line + 1, tokens: 24, gain: null, warm: true },
      { source: 'prefix', path: 'src/lib.rs', line: 0, tokens: 78, gain: null, warm: false },
    ],
    left_out: [{ source: 'similar', path: 'src/other.rs', line: 11, tokens: 90, gain: 0.5, because: 'no room for it' }],
    reused: 146,
    prefilled: 3,
    decoded: 9,
    confidence: 0.83,
    millis: { plan: 0.21, queued: 0.05, prefill: 2.4, first_token: 3.1, decode: 11.6, total: 14.9 },
  };
  return {
    items: rests.map((rest) => ({
      insertText: rest,
      range: { start: position, end: position },
      command: { title: 'Accepted', command: 'pilotlight.accept', arguments: [nextId++] },
    })),
  };
}

const functions = (text) => [...text.matchAll(/\bfn (\w+)/g)].map((match) => ({ name: match[1], at: match.index + 3 }));

function position(text, at) {
  const before = text.slice(0, at);
  return { line: before.split('\n').length - 1, character: at - (before.lastIndexOf('\n') + 1) };
}

/** Calls by the names that functions had when their document was opened: here from the cursor on, then here from the top, then elsewhere. */
function nextEdit({ textDocument: { uri, version }, position: cursor }) {
  if (version !== versions.get(uri)) return { edits: [] };
  const here = offset(documents.get(uri), cursor);
  const found = [];
  for (const [source, names] of opened) {
    for (const [index, { name, at }] of functions(documents.get(source)).entries()) {
      if (names[index] === undefined || names[index] === name || (source === uri && at <= here && here < at + name.length)) continue;
      for (const [target, text] of documents) {
        for (const match of text.matchAll(new RegExp(`\\b${names[index]}(?=\\()`, 'g'))) {
          const line = position(text, match.index).line;
          const order = [target !== uri, target === uri && match.index < here, target, match.index];
          found.push({ order, uri: target, name, place: `${target} ${text.split('\n')[line].trim()}`, start: match.index, end: match.index + match[0].length });
        }
      }
    }
  }
  const rank = ({ order: [elsewhere, above, target, at] }) => `${Number(elsewhere)}${Number(above)}${target} ${String(at).padStart(9, '0')}`;
  const [first] = found.filter(({ place }) => !closed.has(place)).sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  if (!first) return { edits: [] };
  const text = documents.get(first.uri);
  offers.set(nextId, first.place);
  return {
    edits: [
      {
        text: first.name,
        range: { start: position(text, first.start), end: position(text, first.end) },
        textDocument: { uri: first.uri, version: versions.get(first.uri) + (/\/stale[^/]*$/.test(first.uri) ? 1 : 0) },
        command: { title: 'Take the next edit', command: 'pilotlight.takeEdit', arguments: [nextId++] },
      },
    ],
  };
}

/** What it can be asked to do; not to rewrite where a file beside the log says so. */
function commands() {
  const modest = existsSync(`${process.env.PILOTLIGHT_FAKE_LOG}.modest`);
  return ['pilotlight.accept', 'pilotlight.takeEdit', 'pilotlight.dismissEdit', ...(modest ? [] : ['pilotlight.rewrite'])];
}

/** As a model that takes every instruction for "in capitals" would; it cannot `fail`. */
function rewrite(uri, range, instruction) {
  if (instruction === 'fail') throw new Error('the model’s answer is no code');
  const text = documents.get(uri);
  const newText = text.slice(offset(text, range.start), offset(text, range.end)).toUpperCase();
  const edit = { documentChanges: [{ textDocument: { uri, version: versions.get(uri) }, edits: [{ range, newText }] }] };
  send({ id: `apply-${nextId++}`, method: 'workspace/applyEdit', params: { label: instruction, edit } });
}

/** One, for a document whose name begins with `rewrite`: the client is to ask for the instruction. */
function actions({ textDocument: { uri }, range: { start } }) {
  if (!/\/rewrite[^/]*$/.test(uri)) return [];
  const end = documents.get(uri).split('\n')[start.line].length;
  const range = { start: { line: start.line, character: 0 }, end: { line: start.line, character: end } };
  const title = 'Rewrite this line';
  return [{ title, kind: 'refactor.rewrite.rewrite', command: { title, command: 'pilotlight.rewrite', arguments: [uri, range] } }];
}

function execute({ command, arguments: args }) {
  if (command === 'pilotlight.takeEdit' || command === 'pilotlight.dismissEdit') closed.add(offers.get(args[0]));
  if (command === 'pilotlight.rewrite') rewrite(...args);
  return null;
}

const answers = {
  initialize: () => ({
    serverInfo: { name: 'pilotlight-fake', version: '0' },
    capabilities: {
      positionEncoding: 'utf-16',
      textDocumentSync: { openClose: true, change: 2 },
      inlineCompletionProvider: true,
      codeActionProvider: true,
      executeCommandProvider: { commands: commands() },
    },
  }),
  'textDocument/inlineCompletion': complete,
  'textDocument/codeAction': actions,
  'workspace/executeCommand': execute,
  'pilotlight/nextEdit': nextEdit,
  'pilotlight/explain': () => last ?? null,
  shutdown: () => null,
};

const notifications = {
  initialized: () => status('Normal', 'ember'),
  'textDocument/didOpen': ({ textDocument }) => {
    documents.set(textDocument.uri, textDocument.text);
    versions.set(textDocument.uri, textDocument.version);
    opened.set(textDocument.uri, functions(textDocument.text).map(({ name }) => name));
    if (/\/broken[^/]*$/.test(textDocument.uri)) status('Error', 'model.gguf: the tensor blk.0.attn_q.weight is missing');
  },
  'textDocument/didChange': ({ textDocument: { uri, version }, contentChanges }) => {
    documents.set(uri, edit(documents.get(uri) ?? '', contentChanges));
    versions.set(uri, version);
  },
  'textDocument/didClose': ({ textDocument: { uri } }) => {
    documents.delete(uri);
    opened.delete(uri);
    if (/\/broken[^/]*$/.test(uri)) status('Normal', 'ember');
  },
  exit: () => process.exit(0),
};

function take(message) {
  if (message.method === undefined) return;
  let answered;
  const result = message.id === undefined ? notifications[message.method]?.(message.params) : undefined;
  if (message.id !== undefined) {
    const answer = answers[message.method];
    try {
      if (!answer) throw new Error(`unknown method ${message.method}`);
      answered = answer(message.params);
      send({ id: message.id, result: answered });
    } catch (error) {
      send({ id: message.id, error: { code: answer ? -32803 : -32601, message: error.message } });
    }
  }
  const uri = message.params?.textDocument?.uri;
  record({ method: message.method, params: message.params, answered, text: uri === undefined ? undefined : documents.get(uri) });
  return result;
}

function serve() {
  follow(process.stdin, take);
  process.stdin.on('end', () => process.exit(1));
  record({ method: '(started)', argv: process.argv.slice(2) });
}

/** Two models are known: `small`, which can be fetched, and `gone`, which cannot. */
function models(command, name) {
  record({ method: `models ${command}`, name });
  const entry = (of) => ({ model: { name: of, about: 'For tests', bytes: 1.6e9, memory: 2, licence: 'MIT', conditions: 'Keep the notices.' }, pulled: null });
  if (command === 'list') console.log(JSON.stringify([entry('small'), entry('gone')]));
  else if (name === 'gone') process.exit(1);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv[2] === 'lsp') serve();
  else if (process.argv[2] === 'doctor') console.log('CPU     a scripted one\nmodel   ember (stand-in)\nAll is well.');
  else if (process.argv[2] === 'stop') record({ method: '(stop)' });
  else if (process.argv[2] === 'models') models(...process.argv.slice(3));
  else process.exit(2);
}
