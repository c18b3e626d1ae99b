import {type ChildProcess, execFileSync, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {CHECKOUT} from './checkout.ts';
import {freePort} from './freePorts.ts';

/** Who can log in: all of them root, so that every account may do everything, and may use every shell. */
export interface SshAccount {
  readonly name: string;
  /** Login shell. Default `/bin/sh`. */
  readonly shell?: string;
  /** Another uid than root's. */
  readonly uid?: number;
  /** The script of its ftpdctl. Default: the PATH of the system leads to one, if any does. */
  readonly client?: string;
  /** What is run in place of what is asked for. */
  readonly forced?: string;
}

export interface SshdOptions {
  readonly accounts?: readonly SshAccount[];
  /** Lines of `sshd_config`. */
  readonly server?: readonly string[];
  /** Lines of `ssh_config`, before the others. */
  readonly client?: readonly string[];
  /** An `/etc` over the machine's, in which what is written is seen there alone. */
  readonly ownEtc?: boolean;
  /** Hide the client that came with ProFTPD. */
  readonly withoutStock?: boolean;
  /** Files that stand in the place of others, only there: their path, and what they hold. */
  readonly files?: Readonly<Record<string, string>>;
}

const SSHD = '/usr/sbin/sshd';

/** Why there is no sshd to be had here, or `null` when there is. */
export function whyNoSshd(): string | null {
  if (!existsSync(SSHD)) return `${SSHD} is missing (Debian: openssh-server)`;
  if (process.getuid?.() !== 0) return 'only root can start an sshd that logs users in';
  const {status} = spawnSync('unshare', ['-m', 'true']);
  return status === 0 ? null : 'there are no mount namespaces to be had here';
}

/** An OpenSSH server on loopback with configuration, keys, users and mounts of its own: nothing of the machine is touched. */
export class Sshd {
  readonly directory: string;
  readonly port: number;
  readonly #process: ChildProcess;
  #log = '';

  private constructor(directory: string, port: number) {
    this.directory = directory;
    this.port = port;
    this.#process = spawn('unshare', ['-m', 'sh', join(directory, 'start.sh')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
  }

  static async start(options: SshdOptions = {}): Promise<Sshd> {
    const directory = mkdtempSync('/tmp/fssh-');
    chmodSync(directory, 0o755);
    const port = await freePort();
    writeFiles(directory, port, options);
    const sshd = new Sshd(directory, port);
    await sshd.#listening();
    return sshd;
  }

  async #listening(): Promise<void> {
    for (let tries = 0; !this.#log.includes('Server listening'); tries += 1) {
      if (tries > 500 || this.#process.exitCode !== null)
        throw new Error(`sshd did not start:\n${this.#log}`);
      await sleep(20);
    }
  }

  /** What sshd has logged so far. */
  log(): string {
    return this.#log;
  }

  /** What runs a command among its mounts. */
  get enter(): readonly string[] {
    return ['nsenter', '-t', String(this.#process.pid), '--mount', '--'];
  }

  /** A path among its mounts, as it is seen from here. */
  there(path: string): string {
    return `/proc/${this.#process.pid}/root${path}`;
  }

  /** Lines for another's `ssh_config` that lead here by that name. */
  hostLines(name: string): string[] {
    return [
      `Host ${name}`,
      `  Port ${this.port}`,
      `  UserKnownHostsFile ${this.file('known_hosts')}`,
      `  IdentityFile ${this.file('user')}`,
    ];
  }

  /** The program that reads this server's `ssh_config` in place of the user's. */
  get ssh(): string {
    return join(this.directory, 'ssh');
  }

  /** The environment in which `ftpdctl` uses it. */
  get env(): NodeJS.ProcessEnv {
    return {FTPDCTL_SSH: this.ssh};
  }

  file(name: string): string {
    return join(this.directory, name);
  }

  /** End it, and remove all that is its own. */
  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      process.kill(-this.#process.pid!, 'SIGTERM');
      await once(this.#process, 'exit');
    }
    rmSync(this.directory, {recursive: true, force: true});
  }
}

const OWN_ETC = [
  'mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work',
  'mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc',
  'rm -f /etc/shutmsg',
];

function writeFiles(directory: string, port: number, options: SshdOptions): void {
  const at = (name: string) => join(directory, name);
  const {accounts = [], server = [], client = [], files = {}} = options;
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-qt', 'ed25519', '-N', '', '-f', at(name)]);
  mkdirSync(at('home'));
  const users: readonly SshAccount[] = [
    {name: 'root'},
    {name: 'ours', client: `exec ${process.execPath} ${CHECKOUT}/bin/run.js "$@"`},
    {name: 'stock'},
    ...accounts,
  ];
  for (const {name, client} of users) {
    if (client === undefined) continue;
    mkdirSync(at(`bin-${name}`));
    writeFileSync(at(`bin-${name}/ftpdctl`), `#!/bin/sh\n${client}\n`, {mode: 0o755});
  }
  const passwd = users.map(
    ({name, uid = 0, shell = '/bin/sh'}) => `${name}:x:${uid}:${uid}::${at('home')}:${shell}\n`,
  );
  const system = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('root:'));
  const all: Record<string, string> = {
    '/etc/passwd': passwd.join('') + system.join('\n'),
    '/etc/shadow': users.map(({name}) => `${name}:*:19000:0:99999:7:::\n`).join(''),
    ...files,
  };
  const binds = Object.entries(all).map(([path, text], index) => {
    writeFileSync(at(`file${index}`), text, {mode: path.includes('sudoers') ? 0o440 : 0o644});
    return `mount --bind '${at(`file${index}`)}' '${path}'`;
  });
  if (options.withoutStock) binds.push('mount --bind /dev/null /usr/bin/ftpdctl');
  writeFileSync(
    at('start.sh'),
    [
      'mount --make-rprivate /',
      'mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd',
      ...(options.ownEtc ? OWN_ETC : []),
      ...binds,
      `exec ${SSHD} -D -e -f '${at('sshd_config')}'`,
    ].join(' || exit\n'),
  );
  writeFileSync(at('authorized_keys'), readFileSync(at('user.pub')));
  writeFileSync(
    at('sshd_config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('authorized_keys')}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'UseDNS no',
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      ...server,
      ...users.flatMap(({name, client, forced}) => [
        `Match User ${name}`,
        `  SetEnv PATH=${client === undefined ? '' : `${at(`bin-${name}`)}:`}/usr/bin:/bin`,
        ...(forced === undefined ? [] : [`  ForceCommand ${forced}`]),
      ]),
      '',
    ].join('\n'),
  );
  const key = (name: string) => readFileSync(at(`${name}.pub`), 'utf8');
  writeFileSync(at('known_hosts'), `lab ${key('host')}changed ${key('user')}`);
  writeFileSync(
    at('ssh_config'),
    [
      ...client,
      ...['changed', 'unknown'].flatMap((name) => [`Host ${name}`, `  HostKeyAlias ${name}`]),
      'Host nowhere',
      '  HostName nowhere.invalid',
      'Host kept*',
      '  ControlMaster auto',
      `  ControlPath ${at('master-%n')}`,
      '  ControlPersist 60',
      'Host *',
      '  HostName 127.0.0.1',
      `  Port ${port}`,
      '  User root',
      '  HostKeyAlias lab',
      '  StrictHostKeyChecking yes',
      `  UserKnownHostsFile ${at('known_hosts')}`,
      '  GlobalKnownHostsFile none',
      `  IdentityFile ${at('user')}`,
      '  IdentitiesOnly yes',
      '',
    ].join('\n'),
  );
  writeFileSync(at('ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${at('ssh_config')}' "$@"\n`, {mode: 0o755});
}
