#!/usr/bin/env node
// `pilotlight` with a clock: passes everything on to the binary $PILOTLIGHT_TAP_BINARY, and writes to $PILOTLIGHT_TAP_LOG when each inlineCompletion request
// reached the server and when its answer left it, in milliseconds of the wall clock.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { follow } from '../frames.mjs';

const child = spawn(process.env.PILOTLIGHT_TAP_BINARY, process.argv.slice(2), { stdio: ['pipe', 'pipe', 'inherit'] });
const asked = new Map();

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
