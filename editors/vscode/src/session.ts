/**
 * The server's process and the client that speaks with it: started, stopped, restarted; and what is said when either fails.
 *
 * A server that ends is not restarted unasked: one that dies at once would die again with every file. Each failure is one message with what can be done
 * about it; the status bar keeps showing it.
 */
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  type LanguageClientOptions,
  type Middleware,
  type StaticFeature,
} from 'vscode-languageclient/node';
import { BinaryNotFound, findBinary, type Binary } from './binary';
import { method, type StatusParams } from './protocol';
import { behaviour, commandLine } from './settings';

/** What is true of the server. */
export type State =
  | { readonly is: 'stopped' }
  | { readonly is: 'starting' }
  | { readonly is: 'running'; readonly server: string; readonly status: StatusParams | undefined }
  /** `action` is the button that mends it most likely. */
  | { readonly is: 'failed'; readonly message: string; readonly action: Action };

/** What a person can do about a failure: a button, and the command behind it. */
export interface Action {
  readonly title: string;
  readonly command: string;
}

export const RESTART: Action = { title: 'Restart', command: 'pilotlight.restart' };
export const CHOOSE: Action = { title: 'Choose the binary…', command: 'pilotlight.chooseBinary' };
export const MODEL: Action = { title: 'Choose the model…', command: 'pilotlight.chooseModel' };
export const LOG: Action = { title: 'Show log', command: 'pilotlight.showLog' };

/** How long `initialize` may take: the server answers it before it loads a model. */
const INITIALIZE_MS = 20_000;
/** How long a server may take to end by itself. */
const END_MS = 2_000;
/** How long the daemon may take to end: it answers what it was asked before. */
const STOP_MS = 25_000;

/** A failure in the words of a message. */
class Failure extends Error {
  constructor(
    message: string,
    readonly action: Action,
  ) {
    super(message);
  }
}

/** The client, without the popups of its own: failures are told once, by the session. */
class Client extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

interface Live {
  readonly client: Client;
  readonly child: ChildProcessWithoutNullStreams;
  /** The last line of its standard error. */
  lastWords: string;
}

export class Session implements vscode.Disposable {
  #state: State = { is: 'stopped' };
  #live: Live | undefined;
  /** Starts and stops one after the other, whatever is pressed meanwhile. */
  #queue: Promise<void> = Promise.resolve();
  readonly #changed = new vscode.EventEmitter<State>();
  readonly onDidChange = this.#changed.event;

  constructor(
    private readonly extension: vscode.Extension<unknown>,
    private readonly log: vscode.LogOutputChannel,
    private readonly middleware: Middleware,
    private readonly features: readonly StaticFeature[],
  ) {}

  get state(): State {
    return this.#state;
  }

  /** The client, while the server answers. */
  get client(): LanguageClient | undefined {
    return this.#state.is === 'running' ? this.#live?.client : undefined;
  }

  /** @throws {BinaryNotFound} */
  binary(): Binary {
    const setting = vscode.workspace.getConfiguration('pilotlight').get('path', '');
    return findBinary(setting, this.extension.extensionPath);
  }

  start(): Promise<void> {
    return this.enqueue(async () => {
      if (!this.#live) await this.launch();
    });
  }

  stop(): Promise<void> {
    return this.enqueue(() => this.end());
  }

  /** @param daemon whether the daemon behind the server ends too: what it is set by is read when it starts */
  restart(daemon = false): Promise<void> {
    return this.enqueue(async () => {
      await this.end();
      if (daemon) await this.endDaemon();
      await this.launch();
    });
  }

  /** The arguments of `pilotlight COMMAND` with what the user chose. */
  commandLine(command: string): string[] {
    return commandLine(this.extension, command);
  }

  /** Tells the server the settings as they are now. */
  sendSettings(): void {
    void this.client?.sendNotification(method.settings, { settings: { pilotlight: behaviour(this.extension) } });
  }

  dispose(): void {
    this.#live?.child.kill();
    this.#changed.dispose();
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(work).catch((error: unknown) => {
      this.fail(error instanceof Error ? error.message : String(error), RESTART);
    });
    return this.#queue;
  }

  private become(state: State): void {
    this.#state = state;
    void vscode.commands.executeCommand('setContext', 'pilotlight.running', state.is === 'running');
    this.#changed.fire(state);
  }

  private fail(message: string, action: Action): void {
    this.log.error(message);
    this.become({ is: 'failed', message, action });
    const buttons = action === LOG ? [LOG] : [action, LOG];
    void vscode.window.showErrorMessage(`Pilotlight: ${message}`, ...buttons).then((chosen) => {
      if (chosen) void vscode.commands.executeCommand(chosen.command);
    });
  }

  private async launch(): Promise<void> {
    this.become({ is: 'starting' });
    let live: Live | undefined;
    try {
      live = await this.open(this.binary());
      this.#live = live;
      await this.initialize(live);
      const info = live.client.initializeResult?.serverInfo;
      const server = [info?.name ?? 'pilotlight', info?.version ?? ''].join(' ').trim();
      this.log.info(`${server} is running, process ${live.child.pid ?? '?'}`);
      // The first status may have come before this line.
      if (this.#state.is === 'starting') this.become({ is: 'running', server, status: undefined });
    } catch (error) {
      this.#live = undefined;
      live?.child.kill();
      if (error instanceof BinaryNotFound) this.fail(error.message, CHOOSE);
      else if (error instanceof Failure) this.fail(error.message, error.action);
      else throw error;
    }
  }

  /** Starts the process and makes the client, which is not started yet. */
  private async open(binary: Binary): Promise<Live> {
    const args = this.commandLine('lsp');
    this.log.info(`starting ${[binary.path, ...args].join(' ')} (named by ${binary.source})`);
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    // A folder that is not there would read as a binary that is not.
    const cwd = folder?.scheme === 'file' && existsSync(folder.fsPath) ? folder.fsPath : undefined;
    const child = spawn(binary.path, args, { cwd, windowsHide: true });
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw new Failure(`${binary.path} could not be started: ${error instanceof Error ? error.message : String(error)}.`, CHOOSE);
    }
    const live: Live = { client: this.connect(child), child, lastWords: '' };
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.trim() !== '') live.lastWords = line.trim();
      this.relay(line);
    });
    // A write to a server that is gone is told by its exit.
    child.stdin.on('error', () => undefined);
    child.on('exit', (code, signal) => {
      this.exited(live, signal === null ? `with exit status ${code ?? '?'}` : `by ${signal}`);
    });
    return live;
  }

  private connect(child: ChildProcessWithoutNullStreams): Client {
    const options: LanguageClientOptions = {
      // All of them: the server takes languages it has no grammar for as plain text, and says itself which files it leaves alone.
      documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
      outputChannel: this.log,
      initializationOptions: () => ({
        ...behaviour(this.extension),
        editorInfo: { name: vscode.env.appName, version: vscode.version },
        editorPluginInfo: { name: 'pilotlight-vscode', version: this.version() },
      }),
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
      },
      middleware: this.middleware,
    };
    const client = new Client('pilotlight', 'Pilotlight', () => Promise.resolve({ reader: child.stdout, writer: child.stdin, detached: true }), options);
    client.registerFeatures([...this.features]);
    client.onNotification(method.status, (status: StatusParams) => {
      if (this.#live?.client !== client) return;
      const info = client.initializeResult?.serverInfo;
      this.become({ is: 'running', server: `${info?.name ?? 'pilotlight'} ${info?.version ?? ''}`.trim(), status });
    });
    return client;
  }

  private async initialize(live: Live): Promise<void> {
    const { client, child } = live;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Failure(`${child.spawnfile} does not answer: is it the pilotlight binary?`, CHOOSE));
      }, INITIALIZE_MS);
    });
    const gone = (once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>).then(([code, signal]) => {
      const how = `${child.spawnfile} ended before it answered (${signal ?? `exit status ${code ?? '?'}`})`;
      // Whatever wrote nothing is likely to be something else.
      throw live.lastWords === '' ? new Failure(`${how}: is it the pilotlight binary?`, CHOOSE) : new Failure(`${how}. Its last words: ${live.lastWords}`, LOG);
    });
    try {
      await Promise.race([
        client.start().catch(async (error: unknown) => {
          // Where the process ended, its end is what there is to say: it is given a moment to be noticed.
          await Promise.race([gone, new Promise((done) => setTimeout(done, 500))]);
          throw new Failure(`The server refused to start: ${error instanceof Error ? error.message : String(error)}.`, LOG);
        }),
        late,
        gone,
      ]);
    } finally {
      clearTimeout(timer);
      gone.catch(() => undefined);
      late.catch(() => undefined);
    }
  }

  private exited(live: Live, how: string): void {
    this.log.info(`process ${live.child.pid ?? '?'} ended ${how}`);
    if (this.#live !== live || this.#state.is === 'starting') return;
    this.#live = undefined;
    const words = live.lastWords === '' ? '' : ` Its last words: ${live.lastWords}`;
    this.fail(`The server ended ${how}.${words}`, RESTART);
  }

  private async end(): Promise<void> {
    const live = this.#live;
    this.#live = undefined;
    if (live) {
      const gone = live.child.exitCode === null && live.child.signalCode === null ? once(live.child, 'exit') : Promise.resolve();
      await live.client.stop(END_MS).catch((error: unknown) => {
        this.log.warn(`shutdown: ${String(error)}`);
      });
      const patience = setTimeout(() => live.child.kill('SIGKILL'), END_MS);
      await gone;
      clearTimeout(patience);
    }
    this.become({ is: 'stopped' });
  }

  /** `pilotlight stop`. Where it fails, the launch will say what is wrong, or the daemon goes on as it was. */
  private async endDaemon(): Promise<void> {
    try {
      await promisify(execFile)(this.binary().path, ['stop'], { timeout: STOP_MS, windowsHide: true });
    } catch (error) {
      this.log.warn(`stop: ${String(error)}`);
    }
  }

  /** A line of the server's standard error, at the level it names. */
  private relay(line: string): void {
    const level = /\b(ERROR|WARN|INFO|DEBUG|TRACE)\b/.exec(line.slice(0, 60))?.[1];
    if (level === 'ERROR') this.log.error(line);
    else if (level === 'WARN') this.log.warn(line);
    else if (level === 'DEBUG') this.log.debug(line);
    else if (level === 'TRACE') this.log.trace(line);
    else this.log.info(line);
  }

  private version(): string {
    return (this.extension.packageJSON as { version: string }).version;
  }
}
