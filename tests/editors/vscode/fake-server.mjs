#!/usr/bin/env node
// A scripted stand-in for `pilotlight`, so that what an editor shows can be tested to the letter.
//
// It completes lines that it knows (KNOWN below), answers `pilotlight/explain`, follows the documents as LSP says, and writes every message it gets to
// $PILOTLIGHT_FAKE_LOG, one JSON object a line, each with its process id. A document whose name begins with `broken` turns its status to Error while it is open.
import { appendFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

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
let nextId = 1;
let last;

function record(entry) {
  if (process.env.PILOTLIGHT_FAKE_LOG) appendFileSync(process.env.PILOTLIGHT_FAKE_LOG, `${JSON.stringify({ pid: process.pid, ...entry })}\n`);
}

function send(message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
  process.stdout.write(Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]));
}

const status = (kind, message, busy = false) => send({ method: 'didChangeStatus', params: { kind, message, busy } });

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
  const text = documents.get(textDocument.uri) ?? '';
  const at = offset(text, position);
  const before = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  const line = before.trim().length < 3 ? undefined : KNOWN.find((known) => known.startsWith(before) && known.length > before.length);
  const rests = line === undefined ? [] : [line.slice(before.length)];
  if (line !== undefined && context.triggerKind === 1) rests.push(ALTERNATIVE);
  last = {
    nothing_because: line === undefined ? 'the model has nothing to add here' : null,
    kept: false,
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

const answers = {
  initialize: () => ({
    serverInfo: { name: 'pilotlight-fake', version: '0' },
    capabilities: {
      positionEncoding: 'utf-16',
      textDocumentSync: { openClose: true, change: 2 },
      inlineCompletionProvider: true,
      executeCommandProvider: { commands: ['pilotlight.accept'] },
    },
  }),
  'textDocument/inlineCompletion': complete,
  'workspace/executeCommand': () => null,
  'pilotlight/explain': () => last ?? null,
  shutdown: () => null,
};

const notifications = {
  initialized: () => status('Normal', 'ember'),
  'textDocument/didOpen': ({ textDocument }) => {
    documents.set(textDocument.uri, textDocument.text);
    if (/\/broken[^/]*$/.test(textDocument.uri)) status('Error', 'model.gguf: the tensor blk.0.attn_q.weight is missing');
  },
  'textDocument/didChange': ({ textDocument: { uri }, contentChanges }) => documents.set(uri, edit(documents.get(uri) ?? '', contentChanges)),
  'textDocument/didClose': ({ textDocument: { uri } }) => {
    documents.delete(uri);
    if (/\/broken[^/]*$/.test(uri)) status('Normal', 'ember');
  },
  exit: () => process.exit(0),
};

function take(message) {
  if (message.method === undefined) return;
  const result = message.id === undefined ? notifications[message.method]?.(message.params) : undefined;
  if (message.id !== undefined) {
    const answer = answers[message.method];
    if (answer) send({ id: message.id, result: answer(message.params) });
    else send({ id: message.id, error: { code: -32601, message: `unknown method ${message.method}` } });
  }
  const uri = message.params?.textDocument?.uri;
  record({ method: message.method, params: message.params, text: uri === undefined ? undefined : documents.get(uri) });
  return result;
}

function serve() {
  let buffer = Buffer.alloc(0);
  process.stdin.on('data', (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (;;) {
      const end = buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end).toString())[1]);
      if (buffer.length < end + 4 + length) return;
      const body = buffer.subarray(end + 4, end + 4 + length).toString();
      buffer = buffer.subarray(end + 4 + length);
      take(JSON.parse(body));
    }
  });
  process.stdin.on('end', () => process.exit(1));
  record({ method: '(started)' });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv[2] === 'lsp') serve();
  else if (process.argv[2] === 'doctor') console.log('CPU     a scripted one\nmodel   ember (stand-in)\nAll is well.');
  else process.exit(2);
}
