import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {Ajv2020} from 'ajv/dist/2020.js';
import {afterAll, describe, expect, test} from 'vitest';
import {CHECKOUT, removeCopy} from '../helpers/checkout.ts';
import {OwnMachine, whyNoOwnMachine} from '../helpers/ownMachine.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {PASSWORD_HASH} from '../helpers/proftpd.ts';
import {runFtpdctl} from '../helpers/program.ts';
import {spawnServe} from '../helpers/serveProgram.ts';

const NOBODY = 65534;
const CONF = '/etc/proftpd/proftpd.conf';
const SOCKET = '/run/proftpd/proftpd.sock';
const QUEUE = '/etc/proftpd/message-queue';

/** For whoever is not root `/proc/net/unix` alone tells, which lists the sockets of every machine of this network. */
const OWN_SOCKET = `/run/proftpd/${process.pid}.sock`;

/** Waits until the daemon itself has closed it. */
const closing = (socket: string) =>
  [
    `/usr/bin/ftpdctl -s ${socket} rmctrl all`,
    'sockets() { ls -l /proc/$(cat /run/proftpd.pid)/fd | sed -n "s/.*socket:.\\([0-9]*\\).*/\\1/p"; }',
    `while for i in $(sockets); do grep -q " $i ${socket}$" /proc/net/unix && break; done; do sleep 0.1; done`,
  ].join('\n');

/** Another /tmp, in which this program is still to be found: a clone may lie in the machine's. */
const OWN_TMP = [
  `mkdir -p /run/checkout && mount --bind ${CHECKOUT} /run/checkout && mount -t tmpfs tmpfs /tmp`,
  `mkdir -p ${CHECKOUT} && mount --bind /run/checkout ${CHECKOUT}`,
].join(' && ');

/** A directory as it would be without a file, until something is installed. */
const without = (directory: string, file: string) =>
  [
    `cp -a ${directory} /run/hidden && rm /run/hidden/${file} && mount --bind /run/hidden ${directory}`,
    `printf '#!/bin/sh\\necho "$*" >/run/installed\\numount ${directory}\\n' >/run/apt-get`,
    'chmod 755 /run/apt-get && mount --bind /run/apt-get /usr/bin/apt-get',
  ].join(' && ');

/** The installed program says of itself what another build would. @param expression for sed(1) */
const otherBuild = (expression: string) =>
  [
    'mkdir /run/real && cp -p /usr/sbin/proftpd /run/real/',
    `printf '#!/bin/sh\\n/run/real/proftpd "$@" 2>&1 | sed "${expression}"\\n' >/run/other`,
    'chmod 755 /run/other && mount --bind /run/other /usr/sbin/proftpd',
  ].join(' && ');

/** What `doctor --json` prints, as far as it matters here. */
interface Told {
  readonly works: boolean;
  readonly via: string | null;
  readonly restart: string | null;
  readonly findings: readonly {
    readonly code: string;
    readonly level: string;
    readonly message: string;
    readonly file: string | null;
    readonly line: number | null;
    readonly mend: Mend | null;
  }[];
}

interface Mend {
  readonly edits: readonly {action: string; file: string; line: number | null; lines: readonly string[]}[];
  readonly commands: readonly string[];
  readonly restart: boolean;
  readonly prefix: string | null;
}

/** Rounds in which everything must be mended. */
const MAX_ROUNDS = 8;

const SCHEMAS = join(CHECKOUT, 'schemas');
const schemas = new Ajv2020({strict: true, allowUnionTypes: true});
for (const file of readdirSync(SCHEMAS)) {
  schemas.addSchema(JSON.parse(readFileSync(join(SCHEMAS, file), 'utf8')), file);
}

afterAll(removeCopy);

interface Broken {
  /** What root types before it is installed. */
  readonly before?: string;
  readonly conf: (lines: Patient['lines']) => string;
  /** The queue is made by another user. */
  readonly prepare?: 'taken';
  /** Default: as the distribution starts it. */
  readonly start?: string;
  readonly stopped?: boolean;
  /** What root types then. */
  readonly after?: string;
  /** For whom it is broken. Default: nobody. */
  readonly uid?: number;
  /** What is mended, in this order. */
  readonly codes: readonly string[];
}

/** A machine whose ProFTPD is broken, looked at and mended. */
class Patient {
  readonly machine: OwnMachine;
  /** What is to be typed before `ftpdctl`. */
  #prefix = '';

  constructor(machine: OwnMachine) {
    this.machine = machine;
  }

  /** A configuration in which everything works for root and for nobody; what a test changes comes in by name. */
  lines(changes: Readonly<Record<string, string | readonly string[]>> = {}): string {
    const directives: Record<string, string | readonly string[]> = {
      ModulePath: '/usr/lib/proftpd',
      LoadModule: ['mod_ctrls_admin.c', 'mod_msg.c'],
      ServerName: 'tests',
      Port: String(this.machine.port),
      DefaultAddress: '127.0.0.1',
      User: 'nobody',
      Group: 'nogroup',
      UseIPv6: 'off',
      UseReverseDNS: 'off',
      WtmpLog: 'off',
      TransferLog: 'none',
      DelayEngine: 'off',
      AuthPAM: 'off',
      AuthOrder: 'mod_auth_file.c',
      AuthUserFile: '/etc/proftpd/passwd',
      RequireValidShell: 'off',
      PidFile: '/run/proftpd.pid',
      ScoreboardFile: '/run/proftpd.scoreboard',
      SystemLog: '/var/log/proftpd/proftpd.log',
      ControlsEngine: 'on',
      ControlsInterval: '1',
      ControlsSocket: SOCKET,
      ControlsACLs: 'all allow user root',
      MessageQueue: QUEUE,
      MessageControlsACLs: 'all allow user root,nobody',
      MessageEngine: 'on',
      ...changes,
    };
    const each = Object.entries(directives).flatMap(([name, value]) =>
      [value].flat().map((one) => (name === '' ? one : `${name} ${one}`)),
    );
    return `${each.join('\n')}\n`;
  }

  async install(conf: string): Promise<void> {
    this.machine.write(CONF, conf);
    this.machine.write(QUEUE, '');
    this.machine.write('/etc/proftpd/passwd', `dave:${PASSWORD_HASH}:4001:4001::/tmp:/bin/false\n`, 0o600);
  }

  /** Messages for nobody, as sessions that were killed leave them, until no more goes in. */
  async fillQueue(): Promise<void> {
    await this.queueScript(`
class Message(ctypes.Structure):
    _fields_ = [('type', ctypes.c_long), ('text', ctypes.c_char * 1000)]
message = Message(4000000, b'x' * 999)
while libc.msgsnd(queue, ctypes.byref(message), 1000, 0o4000) == 0: pass`);
  }

  /** Python with the `queue` of the configuration, which is made where it is not there. */
  async queueScript(lines: string, uid = 0): Promise<void> {
    const script = `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
st = os.stat('${QUEUE}')
key = ctypes.c_int((0xf6 << 24) | ((st.st_dev & 0xff) << 16) | (st.st_ino & 0xffff))
queue = libc.msgget(key, 0o1666)
${lines}`;
    const {status, stderr} = await this.machine.run('/usr/bin/python3', ['-c', script], uid);
    expect({status, stderr}).toEqual({status: 0, stderr: ''});
  }

  /** As that user, or, where its advice is for root alone, as root by the same way. */
  ftpdctl(uid: number, words: readonly string[]) {
    return this.machine.ftpdctl(words, this.#prefix.startsWith('nsenter') ? 0 : uid, this.#prefix);
  }

  async doctor(uid: number, ...options: string[]): Promise<Told> {
    const [before, after] = options[0] === '-s' ? [options, []] : [[], options];
    const run = await this.ftpdctl(uid, ['--json', ...before, 'doctor', ...after]);
    expect(run.stderr).toBe('');
    const told = JSON.parse(run.stdout);
    expect(schemas.validate('doctor.json', told), schemas.errorsText()).toBe(true);
    expect(run.status).toBe(told.works ? 0 : 1);
    return told;
  }

  /** To the letter: the lines into their files, the commands in root's shell. */
  async apply({edits, commands, restart, prefix: words}: Mend, how: string | null): Promise<void> {
    for (const {action, file, line, lines: added} of edits) {
      const text = this.machine.has(file) ? this.machine.read(file).replace(/\n$/, '').split('\n') : [];
      const [from, count] = {
        append: [text.length, 0],
        insert: [line!, 0],
        replace: [line! - 1, 1],
        delete: [line! - 1, 1],
      }[action] as [number, number];
      text.splice(from, count, ...added);
      this.machine.write(file, `${text.join('\n')}\n`);
    }
    for (const command of commands) await this.machine.shell(command);
    if (restart) await this.machine.shell(how!);
    if (restart || commands.some((command) => command.startsWith('/usr/sbin/proftpd')))
      await this.machine.listening();
    if (words !== null) this.#prefix = words;
  }

  /** All of it with one restart. Lines are counted as the files are, so that the last ones come first. */
  async applyAll(mends: readonly Mend[], how: string | null): Promise<void> {
    const last = (line: number | null) => line ?? Number.NEGATIVE_INFINITY;
    const edits = mends.flatMap(({edits}) => edits).toSorted((a, b) => last(b.line) - last(a.line));
    const commands = mends.flatMap(({commands}) => commands);
    await this.apply({edits, commands, restart: true, prefix: null}, how);
  }

  /** Follow its advice, the first fault first, until it has no more. @returns the codes that were mended */
  async mend(uid: number): Promise<string[]> {
    const mended: string[] = [];
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const {works, findings, restart} = await this.doctor(uid);
      if (works) return mended;
      const fault = findings.find(({level, mend}) => level === 'fault' && mend !== null);
      expect(fault, JSON.stringify(findings, undefined, 1)).toBeDefined();
      mended.push(fault!.code);
      await this.apply(fault!.mend!, restart);
    }
    throw new Error(`not mended in ${MAX_ROUNDS} rounds: ${mended.join(', ')}`);
  }

  async expectArrival(uid: number, ...options: string[]): Promise<void> {
    const dave = await this.machine.session('dave');
    const [before, after] = options[0] === '-s' ? [options, []] : [[], options];
    const sent = await this.ftpdctl(uid, [...before, 'msg', ...after, 'user', 'dave', 'it', 'works']);
    expect(sent, `${sent.stdout}${sent.stderr}`).toMatchObject({status: 0});
    let reply: string[] = [];
    // A session takes 0.4 s to look at what the daemon has queued.
    for (let i = 0; i < 100 && !reply.join('\n').includes('it works'); i++) {
      reply = await dave.command('NOOP');
      await sleep(20);
    }
    expect(reply.join('\n')).toContain('it works');
  }
}

describeWithPeer(whyNoOwnMachine(), 'doctor, with a ProFTPD on a machine of its own', () => {
  const withMachine = async (work: (patient: Patient) => Promise<void>) => {
    const machine = await OwnMachine.start();
    try {
      await work(new Patient(machine));
    } finally {
      await machine.stop();
    }
  };

  test('finds nothing to mend where everything works, for root and for others', () =>
    withMachine(async (patient) => {
      const {machine} = patient;
      await patient.install(patient.lines());
      await machine.shell(`/usr/sbin/proftpd -c ${CONF}`);
      await machine.listening();
      expect(await patient.doctor(0)).toMatchObject({works: true, via: 'direct'});
      expect(await patient.doctor(NOBODY)).toMatchObject({works: true, via: 'controls'});
      await patient.expectArrival(NOBODY);
      await patient.expectArrival(0);
    }));

  test('tells a person what to do, and with -q the faults alone', () =>
    withMachine(async (patient) => {
      const {machine} = patient;
      await patient.install(patient.lines({ControlsEngine: 'off', MessageEngine: 'off'}));
      await machine.shell(`/usr/sbin/proftpd -c ${CONF}`);
      await machine.listening();
      const lineOf = (text: string) => machine.read(CONF).split('\n').indexOf(text) + 1;
      const [controls, engine] = [lineOf('ControlsEngine off'), lineOf('MessageEngine off')];
      const pid = machine.read('/run/proftpd.pid').trim();
      const faults = [
        `fault: ${CONF}:${controls}: ControlsEngine is off: there is no controls socket`,
        `    replace line ${controls} of ${CONF} by:`,
        '        ControlsEngine on',
        '    restart it',
        `fault: ${CONF}:${engine}: MessageEngine is off for tests 127.0.0.1, port ${machine.port}`,
        `    replace line ${engine} of ${CONF} by:`,
        '        MessageEngine on',
        '    restart it',
      ];
      const last = [
        'lines are counted as the files are now',
        `to restart it, which ends its sessions: kill ${pid} && tail --pid=${pid} -f /dev/null && /usr/sbin/proftpd -c ${CONF}`,
      ];
      const text = (lines: readonly string[]) => lines.map((line) => `ftpdctl: ${line}\n`).join('');
      const run = await machine.ftpdctl(['doctor'], NOBODY);
      expect(run).toMatchObject({status: 1, stderr: ''});
      for (const fault of [faults.slice(0, 4), faults.slice(4)]) expect(run.stdout).toContain(text(fault));
      expect(run.stdout.endsWith(text([...last, 'a message of nobody would not arrive: 2 faults']))).toBe(
        true,
      );
      expect(await machine.ftpdctl(['-q', 'doctor'], NOBODY)).toMatchObject({
        status: 1,
        stdout: '',
        stderr: text([...faults, ...last]),
      });
    }));

  test('asks the daemon with --probe alone, and nobody gets a message', () =>
    withMachine(async (patient) => {
      const {machine} = patient;
      await patient.install(patient.lines({ControlsLog: '/var/log/proftpd/controls.log'}));
      await machine.shell(`/usr/sbin/proftpd -c ${CONF}`);
      await machine.listening();
      const requests = () =>
        [...machine.read('/var/log/proftpd/controls.log').matchAll(/ recvd from .* client: '(.*)'$/gm)].map(
          ([, words]) => words,
        );
      expect(await patient.doctor(NOBODY)).toMatchObject({works: true});
      // It would have served whoever had come before.
      await machine.ftpdctl(['msg', 'user', 'nosuch', 'hi'], NOBODY);
      expect(requests()).toEqual(['msg user nosuch hi']);
      const dave = await machine.session('dave');
      const {findings} = await patient.doctor(NOBODY, '--probe');
      expect(findings.at(-1)).toMatchObject({code: 'probe-accepted', level: 'ok'});
      expect(requests()).toEqual(['msg user nosuch hi', 'msg user ftpdctl-doctor-asks probe']);
      expect((await dave.command('NOOP')).at(-1)).toBe('200 NOOP command successful');
    }));

  const BROKEN: Readonly<Record<string, Broken>> = {
    'it does not run': {conf: (lines) => lines(), stopped: true, codes: ['not-running']},
    'inetd is to start it': {
      conf: (lines) => lines({ServerType: 'INETD'}),
      stopped: true,
      codes: ['inetd', 'not-running'],
    },
    'it is not installed': {
      before: without('/usr/sbin', 'proftpd'),
      conf: (lines) => lines(),
      stopped: true,
      codes: ['not-installed', 'not-running'],
    },
    'mod_msg is not installed': {
      before: without('/usr/lib/proftpd', 'mod_msg.so'),
      conf: (lines) => lines(),
      stopped: true,
      codes: ['msg-not-installed', 'not-running'],
    },
    'it runs in another pid namespace': {
      conf: (lines) => lines(),
      start: `setsid unshare -p -i --fork --kill-child /usr/sbin/proftpd -n -c ${CONF} >/dev/null 2>&1 &`,
      codes: ['elsewhere'],
    },
    'ProFTPD 1.3.10 has a /tmp of its own': {
      before: otherBuild('s/1\\.3\\.8/1.3.10/'),
      conf: (lines) => lines({ControlsSocketACL: 'allow user *'}),
      start: `unshare -m sh -c '${OWN_TMP} && exec /run/real/proftpd -c ${CONF}'`,
      codes: ['private-tmp'],
    },
    'ControlsEngine is off': {conf: (lines) => lines({ControlsEngine: 'off'}), codes: ['controls-off']},
    'the directory of the socket is not there': {
      conf: (lines) => lines({ControlsSocket: '/run/elsewhere/ctrls'}),
      codes: ['socket-no-directory'],
    },
    'the socket has been removed': {
      conf: (lines) => lines(),
      after: `rm ${SOCKET}`,
      codes: ['socket-missing'],
    },
    '"rmctrl all" has closed the socket': {
      conf: (lines) => lines({ControlsSocket: OWN_SOCKET}),
      after: closing(OWN_SOCKET),
      codes: ['socket-stale'],
    },
    'the directory of the socket may not be entered': {
      before: 'mkdir -m 700 /run/shut',
      conf: (lines) => lines({ControlsSocket: '/run/shut/ctrls'}),
      codes: ['socket-forbidden'],
    },
    'the socket is in a /tmp of its own': {
      conf: (lines) => lines({ControlsSocket: '/tmp/ctrls'}),
      start: `unshare -m sh -c '${OWN_TMP} && exec /usr/sbin/proftpd -c ${CONF}'`,
      codes: ['socket-elsewhere'],
    },
    'ControlsSocketACL names another user': {
      conf: (lines) => lines({ControlsSocketACL: 'allow user root'}),
      codes: ['connect-denied'],
    },
    'ControlsSocketACL denies the user': {
      conf: (lines) => lines({ControlsSocketACL: 'deny user nobody,daemon'}),
      codes: ['connect-denied'],
    },
    'ControlsSocketACL names another group': {
      conf: (lines) => lines({ControlsSocketACL: 'allow group root'}),
      codes: ['connect-denied'],
    },
    'there are no MessageControlsACLs': {
      conf: (lines) => lines({MessageControlsACLs: []}),
      codes: ['msg-denied'],
    },
    'MessageControlsACLs names another user': {
      conf: (lines) => lines({MessageControlsACLs: 'msg allow user root'}),
      codes: ['msg-denied'],
    },
    'MessageControlsACLs denies the only user it names': {
      conf: (lines) => lines({MessageControlsACLs: 'all deny user nobody'}),
      codes: ['msg-denied'],
    },
    'MessageControlsACLs lets another group send': {
      conf: (lines) => lines({MessageControlsACLs: ['all allow group daemon', 'all allow user root']}),
      codes: ['msg-denied'],
    },
    'root is not let in, and would send directly': {
      conf: (lines) => lines({MessageControlsACLs: 'all allow user nobody'}),
      uid: 0,
      codes: ['msg-denied'],
    },
    'nothing is loaded and nothing said': {
      conf: (lines) =>
        lines({
          LoadModule: [],
          MessageQueue: [],
          MessageControlsACLs: [],
          MessageEngine: [],
          ControlsEngine: 'off',
        }),
      codes: ['controls-off', 'msg-not-loaded', 'msg-denied', 'engine-off', 'queue-unset'],
    },
    'mod_msg is not loaded, and its directives stand there': {
      conf: (lines) => lines({LoadModule: 'mod_ctrls_admin.c'}),
      stopped: true,
      codes: ['msg-not-loaded', 'not-running'],
    },
    'MessageControlsACLs are other ones for its version': {
      conf: (lines) =>
        lines({
          LoadModule: ['mod_ifversion.c', 'mod_ctrls_admin.c', 'mod_msg.c'],
          '': '<IfVersion >= 1.3>\n  MessageControlsACLs all allow user root\n</IfVersion>',
        }),
      codes: ['msg-denied'],
    },
    'nobody waits as long as ControlsInterval': {
      conf: (lines) => lines({ControlsInterval: '60'}),
      codes: ['interval'],
    },
    'it is stopped by a signal': {
      conf: (lines) => lines(),
      after: 'kill -STOP $(cat /run/proftpd.pid)',
      codes: ['suspended'],
    },
    'its scoreboard has been removed': {
      conf: (lines) => lines(),
      after: 'rm /run/proftpd.scoreboard',
      codes: ['scoreboard-lost'],
    },
    'its scoreboard has been removed, and root would send directly': {
      conf: (lines) => lines(),
      after: 'rm /run/proftpd.scoreboard',
      uid: 0,
      codes: ['scoreboard-lost'],
    },
    'its scoreboard has been cut off': {
      conf: (lines) => lines(),
      after: 'truncate -s 20 /run/proftpd.scoreboard',
      uid: 0,
      codes: ['scoreboard-lost'],
    },
    'MessageEngine is off': {conf: (lines) => lines({MessageEngine: 'off'}), codes: ['engine-off']},
    'MessageEngine is said nowhere': {conf: (lines) => lines({MessageEngine: []}), codes: ['engine-off']},
    'MessageEngine is off for all servers by <Global>': {
      conf: (lines) => lines({MessageEngine: [], '': '<Global>\n  MessageEngine off\n</Global>'}),
      codes: ['engine-off'],
    },
    'a <VirtualHost> has no MessageEngine': {
      conf: (lines) => lines({'': '<VirtualHost 127.0.0.2>\n  Port 21\n</VirtualHost>'}),
      codes: ['engine-off'],
    },
    'no MessageQueue is named': {conf: (lines) => lines({MessageQueue: []}), codes: ['queue-unset']},
    'the directory of the MessageQueue is not there': {
      conf: (lines) => lines({MessageQueue: '/var/log/nowhere/queue'}),
      codes: ['queue-no-directory'],
    },
    'somebody has removed the queue': {conf: (lines) => lines(), after: `ipcrm -a`, codes: ['queue-missing']},
    'another user has made the queue': {
      conf: (lines) => lines(),
      prepare: 'taken',
      codes: ['queue-foreign'],
    },
    'the queue is full of messages for sessions that have ended': {
      conf: (lines) => lines(),
      after: 'filled',
      codes: ['queue-full'],
    },
    'there is to be no scoreboard': {
      conf: (lines) => lines({ScoreboardFile: 'none'}),
      codes: ['scoreboard-off'],
    },
    'the directory of the scoreboard is not there': {
      conf: (lines) => lines({ScoreboardFile: '/run/nowhere/scoreboard'}),
      stopped: true,
      codes: ['not-started-for-file', 'not-running'],
    },
    'everybody may write to the directory of the scoreboard': {
      before: 'mkdir /run/open && chmod 777 /run/open',
      conf: (lines) => lines({ScoreboardFile: '/run/open/scoreboard'}),
      stopped: true,
      codes: ['not-started-for-file', 'not-running'],
    },
    'the scoreboard is in /tmp': {
      conf: (lines) => lines({ScoreboardFile: '/tmp/scoreboard'}),
      stopped: true,
      codes: ['not-started-for-file', 'not-running'],
    },
    'the ControlsLog is in /tmp': {
      conf: (lines) => lines({ControlsLog: '/tmp/controls.log'}),
      stopped: true,
      codes: ['not-started-for-file', 'not-running'],
    },
    'MessageLog is none': {
      conf: (lines) => lines({MessageLog: 'none'}),
      stopped: true,
      codes: ['message-log-none', 'not-running'],
    },
    'a module is not there': {
      conf: (lines) => lines({LoadModule: ['mod_ctrls_admin.c', 'mod_nosuch.c', 'mod_msg.c']}),
      stopped: true,
      codes: ['module-missing', 'not-running'],
    },
    'it has been told to read its configuration again': {
      conf: (lines) => lines(),
      after: 'sleep 3.2 && kill -HUP $(cat /run/proftpd.pid) && sleep 1',
      codes: ['queue-lost'],
    },
    'it has been told to read its configuration again, and root would send directly': {
      conf: (lines) => lines(),
      after: 'sleep 3.2 && kill -HUP $(cat /run/proftpd.pid) && sleep 1',
      uid: 0,
      codes: ['queue-lost'],
    },
    'its configuration has been changed since': {
      conf: (lines) => lines({MessageControlsACLs: 'all allow user root'}),
      after: `sleep 1.2 && echo MessageControlsACLs all allow user nobody >>${CONF}`,
      codes: ['configuration-newer'],
    },
  };

  test.concurrent.each(Object.entries(BROKEN))(
    '%s',
    (_name, broken) =>
      withMachine(async (patient) => {
        const {machine} = patient;
        const {
          conf,
          before = 'true',
          start = `/usr/sbin/proftpd -c ${CONF}`,
          after = 'true',
          uid = NOBODY,
        } = broken;
        await machine.shell(before);
        await patient.install(conf((changes) => patient.lines(changes)));
        if (broken.prepare === 'taken') await patient.queueScript('pass', 1);
        if (!broken.stopped) {
          await machine.shell(start);
          await machine.listening();
        }
        await (after === 'filled' ? patient.fillQueue() : machine.shell(after));
        expect(await patient.mend(uid)).toEqual(broken.codes);
        await patient.expectArrival(uid);
      }),
    60_000,
  );

  /** What is odd and keeps no message from anybody: from whom, and by which way. */
  const ODD: Readonly<
    Record<string, Pick<Broken, 'before' | 'conf' | 'after' | 'uid'> & {options?: string[]}>
  > = {
    'no ControlsSocket is named': {conf: (lines) => lines({ControlsSocket: []})},
    'the socket is named by a link to it': {
      conf: (lines) => lines(),
      after: `ln -s ${SOCKET} /run/link`,
      options: ['-s', '/run/link'],
    },
    'the queue is named by a link to its file, and root would send directly': {
      before: 'touch /run/queue && ln -s queue /run/link',
      conf: (lines) => lines({MessageQueue: '/run/link'}),
      uid: 0,
    },
    'another file has the name of the queue by now, and root would send directly': {
      conf: (lines) => lines(),
      after: `cp ${QUEUE} /etc/proftpd/copy && mv /etc/proftpd/copy ${QUEUE}`,
      uid: 0,
    },
    'the directory of the queue may not be entered': {
      before: 'mkdir /run/shut && touch /run/shut/queue',
      conf: (lines) => lines({MessageQueue: '/run/shut/queue'}),
      after: 'chmod 700 /run/shut',
    },
    '"rmctrl all" has closed the socket that is named, and root would send directly': {
      conf: (lines) => lines(),
      after: closing(SOCKET),
      options: ['-s', SOCKET],
      uid: 0,
    },
  };

  test.concurrent.each(Object.entries(ODD))('%s: no matter', (_name, {
    before = 'true',
    conf,
    after = 'true',
    ...odd
  }) =>
    withMachine(async (patient) => {
      const {machine} = patient;
      const {uid = NOBODY, options = []} = odd;
      await machine.shell(before);
      await patient.install(conf((changes) => patient.lines(changes)));
      await machine.shell(`/usr/sbin/proftpd -c ${CONF}`);
      await machine.listening();
      await machine.shell(after);
      expect(await machine.ftpdctl([...options, 'doctor'], uid)).toMatchObject({status: 0, stderr: ''});
      await patient.expectArrival(uid, ...options);
    }));

  test('what only -D may have defined, nobody knows but the daemon', () =>
    withMachine(async (patient) => {
      const {machine} = patient;
      const conditional = '<IfDefine STRICT>\n  MessageControlsACLs all allow user root\n</IfDefine>';
      await patient.install(patient.lines({'': conditional}));
      await machine.shell(`/usr/sbin/proftpd -D STRICT -c ${CONF}`);
      await machine.listening();
      const faults = ({findings}: Told) =>
        findings.flatMap(({code, level}) => (level === 'fault' ? code : []));
      expect(faults(await patient.doctor(NOBODY))).toEqual(['configuration-undecided']);
      expect(faults(await patient.doctor(NOBODY, '--probe'))).toContain('probe-denied');
      await machine.shell('kill $(cat /run/proftpd.pid) && while pgrep -x proftpd; do sleep 0.1; done');
      await machine.shell(`/usr/sbin/proftpd -c ${CONF}`);
      await machine.listening();
      expect(faults(await patient.doctor(NOBODY))).toEqual(['configuration-undecided']);
      expect(await patient.doctor(NOBODY, '--probe')).toMatchObject({works: true});
    }));

  describe('a configuration that others may not read', () => {
    const withSecret = (work: (patient: Patient) => Promise<void>) =>
      withMachine(async (patient) => {
        const {machine} = patient;
        await patient.install(patient.lines());
        await machine.shell(`/usr/sbin/proftpd -c ${CONF}`);
        await machine.listening();
        await machine.shell(`chmod 600 ${CONF}`);
        await work(patient);
      });
    const asNobody = async ({machine}: Patient, ...words: string[]) => {
      const {status, stdout, stderr} = await machine.ftpdctl(words, NOBODY);
      return {status, said: `${stdout}${stderr}`};
    };

    test('nobody can say, and with --probe the daemon does', () =>
      withSecret(async (patient) => {
        expect(await patient.doctor(NOBODY)).toMatchObject({works: false});
        expect(await patient.doctor(NOBODY, '--probe')).toMatchObject({works: true, via: 'controls'});
        await patient.expectArrival(NOBODY);
      }));

    test('check and metrics make no alarm of what they do not know, and no all-clear', () =>
      withSecret(async (patient) => {
        const plain = await asNobody(patient, 'check', '--probe');
        expect(plain).toMatchObject({
          status: 0,
          said: expect.stringMatching(/queue is not known: .*answers in/),
        });
        const queue = await asNobody(patient, 'check', '--queue-warning', '8192');
        expect(queue).toMatchObject({status: 3, said: expect.stringContaining('queue_bytes is not known')});
        const named = await asNobody(patient, '-s', SOCKET, 'check');
        expect(named).toMatchObject({
          status: 3,
          said: expect.stringMatching(/^FTPDCTL UNKNOWN - nobody can say/),
        });
        const metrics = await asNobody(patient, '-s', SOCKET, 'metrics');
        expect(metrics).toMatchObject({status: 1, said: expect.stringContaining('nobody can say')});
      }));
  });

  test('a build without controls is told by what it says of itself', () =>
    withMachine(async (patient) => {
      const {machine} = patient;
      await machine.shell(otherBuild('s/+ Controls support/- Controls support/'));
      await patient.install(patient.lines());
      const {works, findings} = await patient.doctor(0);
      const faults = findings.flatMap(({code, level}) => (level === 'fault' ? code : []));
      expect({works, faults}).toEqual({works: false, faults: ['not-running', 'no-controls']});
    }));

  test('the configuration of one is not taken for that of another', () =>
    withMachine(async (patient) => {
      const {machine} = patient;
      await patient.install(patient.lines());
      const two = {
        Port: '0',
        ControlsSocket: '/run/two',
        ScoreboardFile: '/run/two.scores',
        PidFile: '/run/two.pid',
      };
      machine.write('/etc/proftpd/two.conf', patient.lines({...two, MessageQueue: []}));
      await machine.shell(`/usr/sbin/proftpd -c ${CONF} && /usr/sbin/proftpd -c /etc/proftpd/two.conf`);
      await machine.listening('/run/two');
      const {findings, restart} = await patient.doctor(NOBODY, '-s', '/run/two');
      expect(findings.flatMap(({code, level}) => (level === 'fault' ? code : []))).toEqual([
        'configuration-unknown',
      ]);
      expect(restart).not.toContain(CONF);
    }));

  test('where another one runs, it is not told to start a second with its configuration', () =>
    withMachine(async (patient) => {
      const {machine} = patient;
      await patient.install(patient.lines());
      await machine.shell(`/usr/sbin/proftpd -c ${CONF}`);
      await machine.listening();
      const pid = machine.read('/run/proftpd.pid').trim();
      const run = await machine.ftpdctl(['-s', '/run/nosuch', 'doctor'], NOBODY);
      expect(run).toMatchObject({status: 1});
      expect(run.stdout).toContain(`those that do: pid ${pid} (-s ${SOCKET})`);
      expect(run.stdout).not.toContain('run: ');
      machine.write('/etc/proftpd/nonsense', 'Nonsense\n</Global>\n');
      const broken = await machine.ftpdctl(['doctor', '--config', '/etc/proftpd/nonsense'], NOBODY);
      expect(broken.stdout).not.toContain('run: ');
    }));

  const PACKAGED = '/usr/share/proftpd/templates';

  test
    .skipIf(!existsSync(PACKAGED))
    .concurrent("Debian's own configuration, with all of the advice at once", () =>
      withMachine(async (patient) => {
        const {machine} = patient;
        const port = `Port ${machine.port}\nDefaultAddress 127.0.0.1\nAuthPAM off\nAuthOrder mod_auth_file.c\nAuthUserFile /etc/proftpd/passwd\nRequireValidShell off`;
        const packaged = readFileSync(join(PACKAGED, 'proftpd.conf'), 'utf8');
        await patient.install(packaged.replace(/^Port\s.*$/m, port).replace(/^UseIPv6\s.*$/m, 'UseIPv6 off'));
        machine.write('/etc/proftpd/modules.conf', readFileSync(join(PACKAGED, 'modules.conf'), 'utf8'));
        await machine.shell(`mkdir /etc/proftpd/conf.d; /usr/sbin/proftpd -c ${CONF}`);
        await machine.listening();
        const {findings, restart} = await patient.doctor(0);
        expect(findings.filter(({level}) => level === 'fault').map(({code}) => code)).toEqual([
          'controls-off',
          'msg-not-loaded',
          'msg-denied',
          'engine-off',
          'queue-unset',
        ]);
        await patient.applyAll(
          findings.flatMap(({level, mend}) => (level === 'fault' && mend ? [mend] : [])),
          restart,
        );
        expect(await patient.doctor(0)).toMatchObject({works: true, via: 'direct'});
        await patient.expectArrival(0);
        await patient.expectArrival(0, '--via', 'controls');
      }),
    );
});

test('is for a ProFTPD, and says so of ftpdctl serve', async () => {
  const directory = mkdtempSync('/tmp/run-');
  const server = spawnServe(['serve'], {env: {XDG_RUNTIME_DIR: directory}});
  try {
    await server.said(/listening/);
    const socket = join(directory, 'ftpdctl', 'ftpdctl.sock');
    expect(await runFtpdctl(['-s', socket, 'doctor'], {env: {XDG_RUNTIME_DIR: directory}})).toMatchObject({
      status: 7,
      stdout: '',
      stderr: expect.stringContaining('ftpdctl serve listens at'),
    });
  } finally {
    await server.kill();
    rmSync(directory, {recursive: true, force: true});
  }
});
