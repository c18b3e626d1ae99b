import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readFileSync, statSync} from 'node:fs';
import {chmod, chown, mkdir, mkdtemp, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {freePorts} from './freePorts.ts';
import {FtpSession} from './ftpSession.ts';
import {type ProgramResult, type RunOptions, runProcess} from './process.ts';
import {cleanEnvironment} from './program.ts';

const PROFTPD = '/usr/sbin/proftpd';
const STOCK_FTPDCTL = '/usr/bin/ftpdctl';
const MODULES = '/usr/lib/proftpd';

/** crypt(3) of `PASSWORD` in ftpSession.ts. */
export const PASSWORD_HASH =
  '$6$ftpdctltests$y2WRsplkD7GIgsnjzYpSszMHIDnCpyu3Qm0vcQbJscvHdwVQUp..GofXFR7Sv0LT9LK.slHHCUeJBefg.Us4z.';

/** The first user's uid and gid; the others count up from it. They need not exist on the system. */
const FIRST_UID = 4001;

const START_DEADLINE = 10_000;

/** What a daemon of the tests is to be like. Every default lets everything through. */
export interface ProftpdOptions {
  /** FTP users; their password is `PASSWORD`. Default: dave and alice. */
  readonly users?: readonly string[];
  /** Seconds between two looks at the controls socket, 1 or more. Default 1. 1.3.8 takes up to 0.4 s longer. */
  readonly controlsInterval?: number;
  /** Clients served at each look. ProFTPD's default is 5. */
  readonly controlsMaxClients?: number;
  /** The `…ACLs` lines; default `OPEN_ACLS`. */
  readonly acls?: readonly string[];
  /** Class name → addresses or masks (`From`). */
  readonly classes?: Readonly<Record<string, readonly string[]>>;
  /** Each gets a free port of its own: `RealProftpd.virtualHosts`. */
  readonly virtualHosts?: readonly ProftpdVirtualHost[];
  /** Modules to load beside mod_ctrls_admin and mod_msg: `mod_ban.c`. */
  readonly modules?: readonly string[];
  /** Do not load mod_msg. */
  readonly withoutMessages?: boolean;
  /** Further lines for the main server. */
  readonly directives?: readonly string[];
  /** A command that is to start it, such as `unshare --ipc`. */
  readonly startedBy?: readonly string[];
}

/** A `<VirtualHost>` on a free port. */
export interface ProftpdVirtualHost {
  /** Default 127.0.0.1. */
  readonly address?: string;
  readonly directives?: readonly string[];
}

/** Everything to everybody. */
export const OPEN_ACLS: readonly string[] = [
  'ControlsACLs all allow user *',
  'AdminControlsACLs all allow user *',
  'MessageControlsACLs all allow user *',
];

/** Why there is no ProFTPD to be had here, or `null` when there is. */
export function whyNoProftpd(): string | null {
  for (const file of [PROFTPD, STOCK_FTPDCTL, join(MODULES, 'mod_msg.so')]) {
    if (!existsSync(file)) return `${file} is missing (Debian: proftpd-core, proftpd-mod-msg)`;
  }
  return process.getuid?.() === 0 ? null : 'only root can start a proftpd that logs users in';
}

/**
 * Starts a ProFTPD with configuration, port, sockets and queue of its own and resolves once it listens. It ends with
 * `stop()`, or at the latest with the test process. The system's own ProFTPD is left alone.
 */
export async function startProftpd(options: ProftpdOptions = {}): Promise<RealProftpd> {
  // Short, for a Unix socket's path holds 107 bytes; and open, for callers of other uids.
  const directory = await mkdtemp('/tmp/ftpd-');
  await chmod(directory, 0o755);
  const ports = await freePorts(1 + (options.virtualHosts?.length ?? 0));
  await writeFile(join(directory, 'queue'), '');
  await writeFile(join(directory, 'passwd'), await makeUsers(directory, options.users ?? ['dave', 'alice']), {
    mode: 0o600,
  });
  await writeFile(join(directory, 'proftpd.conf'), configuration(directory, ports, options));

  const daemon = new RealProftpd(directory, ports, options.startedBy);
  try {
    await daemon.listening();
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return daemon;
}

/** A running ProFTPD and all that is its own. */
export class RealProftpd {
  readonly directory: string;
  /** The controls socket. */
  readonly socket: string;
  readonly configFile: string;
  /** Where the main server speaks FTP, on 127.0.0.1. */
  readonly port: number;
  /** The same for each of `ProftpdOptions.virtualHosts`, in order. */
  readonly virtualHosts: readonly number[];
  /** Key of its SysV message queue, as `sysvQueueKeys` lists it. */
  readonly queueKey: number;
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #keeper: ChildProcess;
  #output = '';

  constructor(directory: string, ports: readonly number[], startedBy: readonly string[] = []) {
    this.directory = directory;
    this.socket = join(directory, 'ctrls');
    this.configFile = join(directory, 'proftpd.conf');
    [this.port, ...this.virtualHosts] = ports as [number, ...number[]];
    this.queueKey = messageQueueKey(join(directory, 'queue'));
    // A group of its own, so that its sessions can be ended with it.
    const [command, ...args] = [...startedBy, PROFTPD, '-n', '-c', this.configFile];
    this.#process = spawn(command!, args, {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.pid = this.#process.pid!;
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#keeper = spawn('sh', [join(import.meta.dirname, 'keeper.sh'), String(this.pid), directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    this.#keeper.unref();
  }

  /** Whether the daemon itself still runs; after a crash its sessions may outlive it. */
  alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Whether it met a fatal signal. ProFTPD catches that, says so and exits with status 1. */
  crashed(): boolean {
    return this.#process.signalCode !== null || /terminating \(signal \d+\)/.test(this.#output);
  }

  /** What it said on standard error so far. */
  output(): string {
    return this.#output;
  }

  /** Lines of its ControlsLog so far, without time and pid: `accepted connection from root/root client`. */
  controlsLog(): string[] {
    const file = join(this.directory, 'controls.log');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => line.replace(/^.*? mod_ctrls\/[\d.]+\[\d+\]: /, ''));
  }

  /** A session on the main server, logged in when `user` is given. */
  async session(user?: string, options: {localAddress?: string} = {}): Promise<FtpSession> {
    const session = await FtpSession.connect(this.port, options);
    if (user !== undefined) await session.login(user);
    return session;
  }

  /** Resolves when it speaks FTP and its controls socket is there; rejects when it ends before. */
  async listening(): Promise<void> {
    const deadline = Date.now() + START_DEADLINE;
    while (!this.#output.includes('STARTUP') || !existsSync(this.socket) || !isListening(this.port)) {
      if (!this.alive() || Date.now() > deadline) throw new Error(`proftpd did not start:\n${this.#output}`);
      await sleep(20);
    }
  }

  /** Ends the daemon and its sessions and removes its queue, sockets and files. Harmless when called again. */
  async stop(): Promise<void> {
    if (this.#keeper.exitCode !== null) return;
    this.#keeper.ref();
    this.#keeper.stdin!.end();
    await Promise.all([once(this.#keeper, 'exit'), this.alive() && once(this.#process, 'exit')]);
  }
}

/** Runs Debian's own client: `ftpdctl -s SOCKET ARGS…`. */
export function runStockFtpdctl(
  socket: string,
  args: readonly string[],
  options: Omit<RunOptions, 'env'> = {},
): Promise<ProgramResult> {
  return runProcess(STOCK_FTPDCTL, ['-s', socket, ...args], {...options, env: cleanEnvironment('/')});
}

/** Keys of the SysV message queues there are on this system. */
export function sysvQueueKeys(): number[] {
  const rows = readFileSync('/proc/sysvipc/msg', 'utf8').trim().split('\n').slice(1);
  return rows.map((row) => Number(row.trim().split(/\s+/)[0]));
}

/** ftok(3) of a MessageQueue path with the project id mod_msg uses, signed as /proc shows it. */
function messageQueueKey(path: string): number {
  const {dev, ino} = statSync(path);
  return (0xf6 << 24) | ((dev & 0xff) << 16) | (ino & 0xffff);
}

function configuration(
  directory: string,
  [port, ...hostPorts]: readonly number[],
  options: ProftpdOptions,
): string {
  const {classes = {}, virtualHosts = [], modules = []} = options;
  const lines = [
    `ModulePath ${MODULES}`,
    ...['mod_ctrls_admin.c', 'mod_msg.c', ...modules]
      .filter((name) => !(options.withoutMessages && name === 'mod_msg.c'))
      .map((name) => `LoadModule ${name}`),
    'ServerType standalone',
    'ServerName tests',
    'User nobody',
    'Group nogroup',
    'UseIPv6 off',
    'UseReverseDNS off',
    'WtmpLog off',
    'TransferLog none',
    'DelayEngine off',
    `PidFile ${directory}/pid`,
    `ScoreboardFile ${directory}/scoreboard`,
    'ControlsEngine on',
    `ControlsInterval ${options.controlsInterval ?? 1}`,
    ...(options.controlsMaxClients ? [`ControlsMaxClients ${options.controlsMaxClients}`] : []),
    `ControlsSocket ${directory}/ctrls`,
    `ControlsLog ${directory}/controls.log`,
    `MessageQueue ${directory}/queue`,
    `MessageLog ${directory}/message.log`,
    ...(options.acls ?? OPEN_ACLS),
    ...Object.entries(classes).flatMap(([name, masks]) => [
      `<Class ${name}>`,
      ...masks.map((mask) => `From ${mask}`),
      '</Class>',
    ]),
    'DefaultAddress 127.0.0.1',
    'SocketBindTight on',
    ...serverLines(directory, port!, options.directives),
    ...virtualHosts.flatMap((host, index) => [
      `<VirtualHost ${host.address ?? '127.0.0.1'}>`,
      ...serverLines(directory, hostPorts[index]!, host.directives),
      '</VirtualHost>',
    ]),
  ];
  const kept = options.withoutMessages ? lines.filter((line) => !line.startsWith('Message')) : lines;
  return `${kept.join('\n')}\n`;
}

/** What the main server and every virtual host need each, and what a test adds: of MessageEngines the first counts. */
function serverLines(directory: string, port: number, directives: readonly string[] = []): string[] {
  return [
    `Port ${port}`,
    ...directives,
    'MessageEngine on',
    'AuthPAM off',
    'AuthOrder mod_auth_file.c',
    `AuthUserFile ${directory}/passwd`,
    'RequireValidShell off',
    'AllowOverwrite on',
  ];
}

async function makeUsers(directory: string, users: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const [index, user] of users.entries()) {
    const uid = FIRST_UID + index;
    const home = join(directory, 'home', user);
    await mkdir(home, {recursive: true});
    await chown(home, uid, uid);
    lines.push(`${user}:${PASSWORD_HASH}:${uid}:${uid}::${home}:/bin/false\n`);
  }
  return lines.join('');
}

/** Asks the kernel, since a connection would start a session. */
function isListening(port: number): boolean {
  const address = `(?:0100007F|00000000):${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return new RegExp(` ${address} \\S+ 0A `).test(readFileSync('/proc/net/tcp', 'utf8'));
}
