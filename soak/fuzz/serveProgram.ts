import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const CONFIGURATION = [
  'ControlsSocketACL allow user *',
  'ControlsACLs all allow user *',
  'MessageControlsACLs msg allow user *',
];

/** The program's `serve`, with files of its own, open to everybody. */
export class ServeProgram {
  readonly socket: string;
  readonly #directory: string;
  readonly #child: ChildProcess;

  private constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'ftpdctl-fuzz-'));
    this.socket = join(this.#directory, 'ctrls');
    const config = join(this.#directory, 'proftpd.conf');
    writeFileSync(
      config,
      [
        `ControlsSocket ${this.socket}`,
        'MessageEngine on',
        `MessageQueue ${this.#directory}/queue`,
        ...CONFIGURATION,
      ].join('\n'),
    );
    this.#child = spawn(process.execPath, ['bin/run.js', 'serve', '--config', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  /** @throws Error when it ends before it listens. */
  static async start(): Promise<ServeProgram> {
    const program = new ServeProgram();
    const said = once(program.#child.stderr!, 'data').then(([line]) => String(line));
    const ended = once(program.#child, 'exit').then(() => 'ended');
    const first = await Promise.race([said, ended]);
    if (program.ended) throw new Error(`serve does not start: ${first}`);
    program.#child.stderr!.resume();
    return program;
  }

  /** Whether it has ended, which nothing but `stop` may make it do. */
  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async stop(): Promise<void> {
    if (!this.ended) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    rmSync(this.#directory, {recursive: true, force: true});
  }
}
