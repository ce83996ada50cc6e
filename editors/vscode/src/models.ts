/** Choosing the model: those that the server knows by name, fetched where they are not here, or files of one's own. */
import { execFile } from 'node:child_process';
import { totalmem } from 'node:os';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import type { Session } from './session';
import { MODEL, REMOTE } from './settings';

const BUILT_IN = 'ember';

/** An entry of `pilotlight models list --json`. */
interface Known {
  readonly model: {
    readonly name: string;
    readonly about: string;
    readonly bytes: number;
    /** GiB. */
    readonly memory: number;
    readonly licence: string;
    /** What the licence asks. */
    readonly conditions: string;
  };
  /** Where it is, if it is here. */
  readonly pulled: unknown;
}

interface Entry extends vscode.QuickPickItem {
  /** Gets it here if need be: what the setting becomes, or nothing where that failed or the person thought better of it. */
  readonly get?: () => Promise<string | undefined>;
}

/** Lets the person choose; the session starts anew when the setting changes. */
export async function chooseModel(session: Session): Promise<void> {
  const { path } = session.binary();
  const config = vscode.workspace.getConfiguration('pilotlight');
  const remote = config.get<string>(REMOTE, '');
  const now = remote === '' ? config.get<string>(MODEL, BUILT_IN) : remote;
  const entries: Entry[] = [
    { label: BUILT_IN, description: 'built in, small', get: () => Promise.resolve(BUILT_IN) },
    ...(await known(path)).map((entry) => named(path, entry)),
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    { label: '$(file) A .gguf file…', get: () => open({ canSelectFiles: true, filters: { GGUF: ['gguf'] } }) },
    { label: '$(folder) A folder of safetensors…', get: () => open({ canSelectFiles: false, canSelectFolders: true }) },
  ];
  const chosen = await vscode.window.showQuickPick(entries, { title: 'Pilotlight: the model', placeHolder: `now: ${now}`, matchOnDescription: true, matchOnDetail: true });
  const model = await chosen?.get?.();
  if (model === undefined) return;
  // Else that server would go on being asked, and be sent the code.
  if (remote !== '') await config.update(REMOTE, undefined, vscode.ConfigurationTarget.Global);
  await config.update(MODEL, model, vscode.ConfigurationTarget.Global);
}

async function known(binary: string): Promise<Known[]> {
  const { stdout } = await promisify(execFile)(binary, ['models', 'list', '--json'], { timeout: 20_000, windowsHide: true });
  return JSON.parse(stdout) as Known[];
}

function named(binary: string, { model, pulled }: Known): Entry {
  const here = pulled !== null && pulled !== undefined;
  const tooLarge = model.memory * 2 ** 30 > totalmem() ? ', more than this machine has' : '';
  return {
    label: here ? `$(check) ${model.name}` : model.name,
    description: `${here ? 'here' : `${(model.bytes / 1e9).toFixed(1)} GB to fetch`}, ${model.memory} GiB of memory${tooLarge}, ${model.licence}`,
    detail: `${model.about}. ${model.conditions}`,
    get: async () => (here || (await fetch(binary, model.name)) ? model.name : undefined),
  };
}

/** Runs `pilotlight models pull NAME` where it can be watched and ended; whether it did. What an earlier try has left is gone on with. */
async function fetch(binary: string, name: string): Promise<boolean> {
  const task = new vscode.Task({ type: 'pilotlight' }, vscode.TaskScope.Workspace, `fetch ${name}`, 'Pilotlight', new vscode.ProcessExecution(binary, ['models', 'pull', name]));
  const running = await vscode.tasks.executeTask(task);
  const code = await new Promise<number | undefined>((resolve) => {
    const ended = vscode.tasks.onDidEndTaskProcess((event) => {
      if (event.execution !== running) return;
      ended.dispose();
      resolve(event.exitCode);
    });
  });
  if (code !== 0) throw new Error(`${name} was not fetched; the terminal says why. The model stays what it was.`);
  return true;
}

async function open(options: vscode.OpenDialogOptions): Promise<string | undefined> {
  const [found] = (await vscode.window.showOpenDialog({ title: 'The model', openLabel: 'Use this model', canSelectMany: false, ...options })) ?? [];
  return found?.fsPath;
}
