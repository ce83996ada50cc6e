#!/usr/bin/env node
// `pilotlight` with a clock: passes everything on to the binary $PILOTLIGHT_TAP_BINARY, and writes to $PILOTLIGHT_TAP_LOG when each inlineCompletion request
// reached the server and when its answer left it, in milliseconds of the wall clock.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const child = spawn(process.env.PILOTLIGHT_TAP_BINARY, process.argv.slice(2), { stdio: ['pipe', 'pipe', 'inherit'] });
const asked = new Map();
const now = () => performance.timeOrigin + performance.now();

/** Calls `take` with each message of a stream of LSP frames. */
function follow(stream, take) {
  let buffer = Buffer.alloc(0);
  stream.on('data', (chunk) => {
    const at = now();
    buffer = Buffer.concat([buffer, chunk]);
    for (;;) {
      const end = buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end).toString())?.[1] ?? 0);
      if (buffer.length < end + 4 + length) return;
      take(JSON.parse(buffer.subarray(end + 4, end + 4 + length).toString()), at);
      buffer = buffer.subarray(end + 4 + length);
    }
  });
}

process.stdin.pipe(child.stdin);
child.stdout.pipe(process.stdout);
follow(process.stdin, (message, at) => {
  if (message.method === 'textDocument/inlineCompletion') asked.set(message.id, at);
});
follow(child.stdout, (message, at) => {
  const since = message.method === undefined ? asked.get(message.id) : undefined;
  if (since === undefined) return;
  asked.delete(message.id);
  const items = message.result?.items ?? message.result ?? [];
  appendFileSync(process.env.PILOTLIGHT_TAP_LOG, `${JSON.stringify({ asked: since, answered: at, items: items.length, text: items[0]?.insertText })}\n`);
});
child.on('exit', (code, signal) => process.exit(signal === null ? code : 1));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
