import {type ChildProcess, spawn} from 'node:child_process';
import {EXIT_SOFTWARE, FtpdctlError} from '../../errors.ts';
import {globalFlags} from '../options/flags.ts';
import {errorFields} from '../output/failure.ts';
import type {DrainEvent} from './events.ts';

type Plan = Extract<DrainEvent, {event: 'plan'}>;

/** What a detached drain tells the process that has started it, once. */
type FirstWord =
  | {readonly kind: 'begun'; readonly plan: Plan}
  | {
      readonly kind: 'refused';
      readonly error: Readonly<Record<string, string>>;
      readonly exitStatus: number;
    };

/** Says to a process that it is the detached one; it tells nobody else. */
const MARK = 'FTPDCTL_DRAIN_DETACHED';

/**
 * Start the drain of these options in a session of its own, with none of our standard streams, so that neither a terminal nor an ssh that
 * ends takes it back or waits for it.
 * @returns its pid and its plan, once its record is written
 * @throws FtpdctlError as the drain itself is refused
 */
export async function startDetached(options: object): Promise<{readonly pid: number; readonly plan: Plan}> {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...argumentsOf(options)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: {...process.env, [MARK]: '1'},
  });
  const word = await firstWordOf(child);
  if (child.connected) child.disconnect();
  child.unref();
  if (word.kind === 'begun') return {pid: child.pid!, plan: word.plan};
  const {code = 'INTERNAL', message = '', hint} = word.error;
  throw new FtpdctlError(code, message, word.exitStatus, hint === undefined ? {} : {hint});
}

/** The options as they were given, but for what is ours to do. */
function argumentsOf(options: object): string[] {
  const written = Object.entries(options).flatMap(([name, value]): [string, string][] => {
    if (name === 'detach' || name === 'json') return [];
    if (value === true) return [[name, `--${name}`]];
    if (typeof value === 'string') return [[name, `--${name}=${value}`]];
    // --timeout alone is a number: of milliseconds.
    return typeof value === 'number' ? [[name, `--${name}=${value / 1000}`]] : [];
  });
  const [before, after] = [true, false].map((isGlobal) =>
    written.filter(([name]) => Object.hasOwn(globalFlags, name) === isGlobal).map(([, word]) => word),
  );
  return [...before!, 'drain', ...after!];
}

/** What it says, or that it has ended without a word: its messages arrive before the end of the channel does. */
function firstWordOf(child: ChildProcess): Promise<FirstWord> {
  return new Promise((resolve, reject) => {
    child.once('message', (word) => resolve(word as FirstWord));
    child.once('disconnect', () =>
      reject(new FtpdctlError('DETACH', 'the drain has ended before it began', EXIT_SOFTWARE)),
    );
    child.once('error', (cause) =>
      reject(
        new FtpdctlError('DETACH', `cannot start ${process.execPath}: ${cause.message}`, EXIT_SOFTWARE, {
          cause,
        }),
      ),
    );
  });
}

/** The process that has started this one by `--detach`, and waits for its first word: it is gone before, and nothing begins. */
export class Starter {
  readonly #giveUp = () => process.exit(EXIT_SOFTWARE);

  private constructor() {
    process.once('disconnect', this.#giveUp);
  }

  /** Of this process; `undefined` where nobody waits, which is any but a detached one. */
  static take(env: NodeJS.ProcessEnv = process.env): Starter | undefined {
    const isDetached = env[MARK] !== undefined;
    // What --then starts is no drain of ours.
    delete env[MARK];
    return isDetached ? new Starter() : undefined;
  }

  /** The last moment at which that counts. @throws FtpdctlError */
  refuseUnlessWaiting(): void {
    if (!process.connected)
      throw new FtpdctlError('DETACH', 'who has started this drain waits for it no more', EXIT_SOFTWARE);
  }

  tellBegun(plan: Plan): void {
    void this.#tell({kind: 'begun', plan});
  }

  tellRefused(error: FtpdctlError): Promise<void> {
    return this.#tell({kind: 'refused', error: errorFields(error), exitStatus: error.exitStatus});
  }

  /** Nobody hears it who has gone meanwhile. */
  async #tell(word: FirstWord): Promise<void> {
    process.off('disconnect', this.#giveUp);
    if (!process.connected) return;
    await new Promise<void>((resolve) => process.send!(word, undefined, undefined, () => resolve()));
    if (process.connected) process.disconnect();
  }
}
