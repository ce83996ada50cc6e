/** Pilotlight in VS Code: what is there, and which command runs what. The work is the server's. */
import * as vscode from 'vscode';
import { Diagnostics } from './diagnostics';
import { Doctor } from './doctor';
import { showMenu } from './menu';
import { chooseModel } from './models';
import { NextEdits } from './nextEdit';
import { Rewrite } from './rewrite';
import { Session } from './session';
import { OF_THE_DAEMON, ofTheCommandLine } from './settings';
import { StatusItem } from './status';
import { Suggestions } from './suggestion';
import { offBecause, toggle, type Switch } from './switches';
import { WhyView } from './why';

/** Set once the walkthrough was opened by itself. */
const WELCOMED = 'welcomed';

let session: Session | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('Pilotlight', { log: true });
  const suggestions = new Suggestions(log);
  const rewrite = new Rewrite((run) => told(log, run));
  const running = new Session(context.extension, log, { ...suggestions.middleware, ...rewrite.middleware }, [rewrite.feature]);
  session = running;
  suggestions.attach(running);
  rewrite.attach(running);
  const why = new WhyView(running, suggestions);
  const doctor = new Doctor(running);
  const nextEdits = new NextEdits(running, log);

  const commands: Record<string, () => unknown> = {
    menu: () => showMenu(running, nextEdits.where),
    why: () => why.show(),
    nextEdit: () => nextEdits.take(),
    dismissNextEdit: () => nextEdits.dismiss(),
    toggle: () => turn('everywhere'),
    toggleWorkspace: () => turn('workspace'),
    toggleLanguage: () => turn('language'),
    restart: () => running.restart(),
    doctor: () => doctor.run(),
    showLog: () => {
      log.show();
    },
    settings: () => vscode.commands.executeCommand('workbench.action.openSettings', `@ext:${context.extension.id}`),
    chooseBinary,
    chooseModel: () => chooseModel(running),
    walkthrough: () => vscode.commands.executeCommand('workbench.action.openWalkthrough', `${context.extension.id}#start`, false),
  };
  async function turn(which: Switch): Promise<void> {
    await toggle(which, vscode.window.activeTextEditor?.document);
  }

  context.subscriptions.push(
    log,
    suggestions,
    rewrite,
    running,
    why,
    doctor,
    nextEdits,
    new Diagnostics(running),
    new StatusItem(running, suggestions),
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(`pilotlight.${name}`, () => told(log, run))),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (offBecause(vscode.window.activeTextEditor?.document) !== undefined) suggestions.hide();
      const daemon = OF_THE_DAEMON.some((section) => event.affectsConfiguration(section));
      if (daemon || ofTheCommandLine(context.extension).some((name) => event.affectsConfiguration(name))) void running.restart(daemon);
      else if (event.affectsConfiguration('pilotlight')) running.sendSettings();
    }),
  );

  if (context.globalState.get(WELCOMED) !== true) {
    await context.globalState.update(WELCOMED, true);
    await commands['walkthrough']?.();
  }
  await running.start();
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}

/** Runs a command; a failure is told in words. */
async function told(log: vscode.LogOutputChannel, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log.error(message);
    void vscode.window.showErrorMessage(`Pilotlight: ${message}`);
  }
}

async function chooseBinary(): Promise<void> {
  const [file] = (await vscode.window.showOpenDialog({ title: 'The pilotlight binary', openLabel: 'Use this binary', canSelectMany: false })) ?? [];
  // The session starts anew when the setting changes.
  if (file) await vscode.workspace.getConfiguration('pilotlight').update('path', file.fsPath, vscode.ConfigurationTarget.Global);
}
