import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {build} from 'esbuild';
import {CHECKOUT} from './checkout.ts';

/** A TypeScript program in a process of its own, which tells its parent things by `process.send`. */
export interface TsProcess {
  readonly child: ChildProcess;
  /** The next thing it says, or the first of those it has said and nobody has heard. */
  next(): Promise<unknown>;
  /** Say something, and wait for the answer. */
  ask(question: unknown): Promise<unknown>;
  /** End it at once, whatever it is doing, and wait until it has. */
  kill(): Promise<void>;
}

/** Run the TypeScript program `file` (absolute) with plain `node`. Packages are those of the checkout. */
export async function spawnTs(file: string, args: readonly string[] = []): Promise<TsProcess> {
  const cache = join(CHECKOUT, 'node_modules', '.cache');
  mkdirSync(cache, {recursive: true});
  const directory = mkdtempSync(join(cache, 'spawn-ts-'));
  const outfile = join(directory, 'program.mjs');
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'silent',
  });
  const child = spawn(process.execPath, [outfile, ...args], {stdio: ['ignore', 'inherit', 'inherit', 'ipc']});
  const ended = once(child, 'exit').finally(() => rmSync(directory, {recursive: true, force: true}));
  const heard: unknown[] = [];
  const listeners: ((said: unknown) => void)[] = [];
  child.on('message', (said) => {
    const listener = listeners.shift();
    if (listener === undefined) heard.push(said);
    else listener(said);
  });
  const next = () => {
    if (heard.length > 0) return Promise.resolve(heard.shift());
    const saidInTime = new Promise<unknown>((resolve) => {
      listeners.push(resolve);
    });
    const died = ended.then(([status, signal]) => {
      throw new Error(`${file} ended with ${status ?? signal} and said nothing more`);
    });
    return Promise.race([saidInTime, died]);
  };
  return {
    child,
    next,
    ask: (question) => {
      child.send(question as object);
      return next();
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
