// The command that the extension gives, spoken to as Zed speaks to a language server that it knows from an extension.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { follow, frame } from '../frames.mjs';

/** What Zed can do, as far as it matters here: completion items and no inline completions. */
const CAPABILITIES = {
  textDocument: { completion: { completionItem: { snippetSupport: true, insertReplaceSupport: true }, contextSupport: true } },
  workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true } },
};

export class Session {
  messages = [];
  #next = 1;
  #waiting = new Map();

  static async start({ command, args, env }, initializationOptions, configuration) {
    const session = new Session();
    session.process = spawn(command, args, { env: Object.fromEntries(env), stdio: ['pipe', 'pipe', 'ignore'] });
    session.exited = new Promise((resolve) => session.process.on('exit', resolve));
    follow(session.process.stdout, (message) => session.#handle(message));
    await session.request('initialize', { processId: process.pid, rootUri: 'file:///work', capabilities: CAPABILITIES, initializationOptions, clientInfo: { name: 'Zed' } });
    session.notify('initialized', {});
    session.notify('workspace/didChangeConfiguration', { settings: configuration });
    return session;
  }

  notify(method, params) {
    this.#send({ method, params });
  }

  request(method, params) {
    const id = this.#next++;
    this.#send({ id, method, params });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** Opens `text` and asks for the menu at a place of it. */
  async complete(uri, languageId, text, line, character) {
    this.notify('textDocument/didOpen', { textDocument: { uri, languageId, version: 0, text } });
    const answer = await this.request('textDocument/completion', { textDocument: { uri }, position: { line, character }, context: { triggerKind: 1 } });
    return answer.items ?? answer;
  }

  /** What a model has to say is not known beforehand: a real file, this one, is cut off at place after place until the menu has something. */
  async firstItems() {
    const lines = readFileSync(new URL(import.meta.url), 'utf8').split('\n');
    for (let line = 16; line < 60; line += 1) {
      const kept = lines[line].slice(0, Math.ceil(lines[line].length * 0.6));
      const text = `${lines.slice(0, line).join('\n')}\n${kept}`;
      const items = await this.complete(`file:///work/cut-${line}.mjs`, 'javascript', text, line, kept.length);
      if (items.length > 0) return items;
    }
    throw new Error('the model had nothing to say at 44 places');
  }

  async end() {
    await this.request('shutdown');
    this.notify('exit');
    await this.exited;
  }

  #send(message) {
    this.process.stdin.write(frame(message));
  }

  #handle(message) {
    if (message.method === undefined) {
      const { resolve, reject } = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error) reject(new Error(JSON.stringify(message.error)));
      else resolve(message.result);
    } else if (message.id !== undefined) {
      this.#send({ id: message.id, result: null });
    } else if (message.params?.message !== undefined) {
      this.messages.push(message.params.message);
    }
  }
}
