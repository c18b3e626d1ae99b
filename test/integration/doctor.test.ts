import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {Ajv2020} from 'ajv/dist/2020.js';
import {afterAll, afterEach, beforeEach, expect, test} from 'vitest';
import {CHECKOUT, removeCopy} from '../helpers/checkout.ts';
import {OwnMachine, whyNoOwnMachine} from '../helpers/ownMachine.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {PASSWORD_HASH} from '../helpers/proftpd.ts';

const NOBODY = 65534;
const CONF = '/etc/proftpd/proftpd.conf';
const SOCKET = '/run/proftpd/proftpd.sock';
const QUEUE = '/etc/proftpd/message-queue';

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

describeWithPeer(whyNoOwnMachine(), 'doctor, with a ProFTPD on a machine of its own', () => {
  let machine: OwnMachine;
  let prefix: string;
  beforeEach(async () => {
    machine = await OwnMachine.start();
    prefix = '';
  });
  afterEach(() => machine?.stop());

  /** A configuration in which everything works for root and for nobody; what a test changes comes in by name. */
  function lines(changes: Readonly<Record<string, string | readonly string[]>> = {}): string {
    const directives: Record<string, string | readonly string[]> = {
      ModulePath: '/usr/lib/proftpd',
      LoadModule: ['mod_ctrls_admin.c', 'mod_msg.c'],
      ServerName: 'tests',
      Port: String(machine.port),
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

  async function install(conf: string): Promise<void> {
    machine.write(CONF, conf);
    machine.write(QUEUE, '');
    machine.write('/etc/proftpd/passwd', `dave:${PASSWORD_HASH}:4001:4001::/tmp:/bin/false\n`, 0o600);
  }

  /** Messages for nobody, as sessions that were killed leave them, until no more goes in. */
  async function fillQueue(): Promise<void> {
    await queueScript(`
class Message(ctypes.Structure):
    _fields_ = [('type', ctypes.c_long), ('text', ctypes.c_char * 1000)]
message = Message(4000000, b'x' * 999)
while libc.msgsnd(queue, ctypes.byref(message), 1000, 0o4000) == 0: pass`);
  }

  /** Python with the `queue` of the configuration, which is made where it is not there. */
  async function queueScript(lines: string, uid = 0): Promise<void> {
    const script = `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
st = os.stat('${QUEUE}')
key = ctypes.c_int((0xf6 << 24) | ((st.st_dev & 0xff) << 16) | (st.st_ino & 0xffff))
queue = libc.msgget(key, 0o1666)
${lines}`;
    const {status, stderr} = await machine.run('/usr/bin/python3', ['-c', script], uid);
    expect({status, stderr}).toEqual({status: 0, stderr: ''});
  }

  /** As that user, or, where its advice is for root alone, as root by the same way. */
  function ftpdctl(uid: number, words: readonly string[]) {
    return machine.ftpdctl(words, prefix.startsWith('nsenter') ? 0 : uid, prefix);
  }

  async function doctor(uid: number, ...options: string[]): Promise<Told> {
    const run = await ftpdctl(uid, ['--json', 'doctor', ...options]);
    expect(run.stderr).toBe('');
    const told = JSON.parse(run.stdout);
    expect(schemas.validate('doctor.json', told), schemas.errorsText()).toBe(true);
    expect(run.status).toBe(told.works ? 0 : 1);
    return told;
  }

  /** To the letter: the lines into their files, the commands in root's shell. */
  async function apply({edits, commands, restart, prefix: words}: Mend, how: string | null): Promise<void> {
    for (const {action, file, line, lines: added} of edits) {
      const text = machine.has(file) ? machine.read(file).replace(/\n$/, '').split('\n') : [];
      const [from, count] = {
        append: [text.length, 0],
        insert: [line!, 0],
        replace: [line! - 1, 1],
        delete: [line! - 1, 1],
      }[action] as [number, number];
      text.splice(from, count, ...added);
      machine.write(file, `${text.join('\n')}\n`);
    }
    for (const command of commands) await machine.shell(command);
    if (restart) await machine.shell(how!);
    if (restart || commands.some((command) => command.startsWith('/usr/sbin/proftpd')))
      await machine.listening();
    if (words !== null) prefix = words;
  }

  /** Follow its advice, the first fault first, until it has no more. @returns the codes that were mended */
  async function mend(uid: number): Promise<string[]> {
    const mended: string[] = [];
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const {works, findings, restart} = await doctor(uid);
      if (works) return mended;
      const fault = findings.find(({level, mend}) => level === 'fault' && mend !== null);
      expect(fault, JSON.stringify(findings, undefined, 1)).toBeDefined();
      mended.push(fault!.code);
      await apply(fault!.mend!, restart);
    }
    throw new Error(`not mended in ${MAX_ROUNDS} rounds: ${mended.join(', ')}`);
  }

  async function expectArrival(uid: number, ...options: string[]): Promise<void> {
    const dave = await machine.session('dave');
    const sent = await ftpdctl(uid, ['msg', ...options, 'user', 'dave', 'it', 'works']);
    expect(sent, `${sent.stdout}${sent.stderr}`).toMatchObject({status: 0});
    let reply: string[] = [];
    // A session takes 0.4 s to look at what the daemon has queued.
    for (let i = 0; i < 50 && !reply.join('\n').includes('it works'); i++) reply = await dave.command('NOOP');
    expect(reply.join('\n')).toContain('it works');
  }

  test('finds nothing to mend where everything works, for root and for others', async () => {
    await install(lines());
    await machine.shell(`/usr/sbin/proftpd -c ${CONF}`);
    await machine.listening();
    expect(await doctor(0)).toMatchObject({works: true, via: 'direct'});
    expect(await doctor(NOBODY)).toMatchObject({works: true, via: 'controls'});
    await expectArrival(NOBODY);
    await expectArrival(0);
  });

  interface Broken {
    /** What root types before it is installed. */
    readonly before?: string;
    readonly conf: () => string;
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

  const BROKEN: Readonly<Record<string, Broken>> = {
    'it does not run': {conf: () => lines(), stopped: true, codes: ['not-running']},
    'ControlsEngine is off': {conf: () => lines({ControlsEngine: 'off'}), codes: ['controls-off']},
    'the directory of the socket is not there': {
      conf: () => lines({ControlsSocket: '/run/elsewhere/ctrls'}),
      codes: ['socket-no-directory'],
    },
    'the socket has been removed': {conf: () => lines(), after: `rm ${SOCKET}`, codes: ['socket-missing']},
    '"rmctrl all" has closed the socket': {
      conf: () => lines(),
      after: `/usr/bin/ftpdctl -s ${SOCKET} rmctrl all && sleep 1`,
      codes: ['socket-stale'],
    },
    'the directory of the socket may not be entered': {
      before: 'mkdir -m 700 /run/shut',
      conf: () => lines({ControlsSocket: '/run/shut/ctrls'}),
      codes: ['socket-forbidden'],
    },
    'the socket is in a /tmp of its own': {
      conf: () => lines({ControlsSocket: '/tmp/ctrls'}),
      start: `unshare -m sh -c 'mount -t tmpfs tmpfs /tmp && exec /usr/sbin/proftpd -c ${CONF}'`,
      codes: ['socket-elsewhere'],
    },
    'ControlsSocketACL names another user': {
      conf: () => lines({ControlsSocketACL: 'allow user root'}),
      codes: ['connect-denied'],
    },
    'ControlsSocketACL denies the user': {
      conf: () => lines({ControlsSocketACL: 'deny user nobody,daemon'}),
      codes: ['connect-denied'],
    },
    'ControlsSocketACL names another group': {
      conf: () => lines({ControlsSocketACL: 'allow group root'}),
      codes: ['connect-denied'],
    },
    'there are no MessageControlsACLs': {conf: () => lines({MessageControlsACLs: []}), codes: ['msg-denied']},
    'MessageControlsACLs names another user': {
      conf: () => lines({MessageControlsACLs: 'msg allow user root'}),
      codes: ['msg-denied'],
    },
    'MessageControlsACLs denies the only user it names': {
      conf: () => lines({MessageControlsACLs: 'all deny user nobody'}),
      codes: ['msg-denied'],
    },
    'MessageControlsACLs lets another group send': {
      conf: () => lines({MessageControlsACLs: ['all allow group daemon', 'all allow user root']}),
      codes: ['msg-denied'],
    },
    'root is not let in, and would send directly': {
      conf: () => lines({MessageControlsACLs: 'all allow user nobody'}),
      uid: 0,
      codes: ['msg-denied'],
    },
    'nothing is loaded and nothing said': {
      conf: () =>
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
      conf: () => lines({LoadModule: 'mod_ctrls_admin.c'}),
      stopped: true,
      codes: ['msg-not-loaded', 'not-running'],
    },
    'MessageEngine is off': {conf: () => lines({MessageEngine: 'off'}), codes: ['engine-off']},
    'MessageEngine is said nowhere': {conf: () => lines({MessageEngine: []}), codes: ['engine-off']},
    'MessageEngine is off for all servers by <Global>': {
      conf: () => lines({MessageEngine: [], '': '<Global>\n  MessageEngine off\n</Global>'}),
      codes: ['engine-off'],
    },
    'a <VirtualHost> has no MessageEngine': {
      conf: () => lines({'': '<VirtualHost 127.0.0.2>\n  Port 21\n</VirtualHost>'}),
      codes: ['engine-off'],
    },
    'no MessageQueue is named': {conf: () => lines({MessageQueue: []}), codes: ['queue-unset']},
    'the directory of the MessageQueue is not there': {
      conf: () => lines({MessageQueue: '/var/log/nowhere/queue'}),
      codes: ['queue-no-directory'],
    },
    'somebody has removed the queue': {conf: () => lines(), after: `ipcrm -a`, codes: ['queue-missing']},
    'another user has made the queue': {
      conf: () => lines(),
      prepare: 'taken',
      codes: ['queue-foreign'],
    },
    'the queue is full of messages for sessions that have ended': {
      conf: () => lines(),
      after: 'filled',
      codes: ['queue-full'],
    },
    'there is to be no scoreboard': {conf: () => lines({ScoreboardFile: 'none'}), codes: ['scoreboard-off']},
    'the directory of the scoreboard is not there': {
      conf: () => lines({ScoreboardFile: '/run/nowhere/scoreboard'}),
      stopped: true,
      codes: ['not-started-for-file', 'not-running'],
    },
    'everybody may write to the directory of the scoreboard': {
      before: 'mkdir /run/open && chmod 777 /run/open',
      conf: () => lines({ScoreboardFile: '/run/open/scoreboard'}),
      stopped: true,
      codes: ['not-started-for-file', 'not-running'],
    },
    'the scoreboard is in /tmp': {
      conf: () => lines({ScoreboardFile: '/tmp/scoreboard'}),
      stopped: true,
      codes: ['not-started-for-file', 'not-running'],
    },
    'the ControlsLog is in /tmp': {
      conf: () => lines({ControlsLog: '/tmp/controls.log'}),
      stopped: true,
      codes: ['not-started-for-file', 'not-running'],
    },
    'MessageLog is none': {
      conf: () => lines({MessageLog: 'none'}),
      stopped: true,
      codes: ['message-log-none', 'not-running'],
    },
    'a module is not there': {
      conf: () => lines({LoadModule: ['mod_ctrls_admin.c', 'mod_nosuch.c', 'mod_msg.c']}),
      stopped: true,
      codes: ['module-missing', 'not-running'],
    },
    'it has been told to read its configuration again': {
      conf: () => lines(),
      after: 'sleep 3.2 && kill -HUP $(cat /run/proftpd.pid) && sleep 1',
      codes: ['queue-lost'],
    },
    'its configuration has been changed since': {
      conf: () => lines({MessageControlsACLs: 'all allow user root'}),
      after: `sleep 1.2 && echo MessageControlsACLs all allow user nobody >>${CONF}`,
      codes: ['configuration-newer'],
    },
  };

  test.each(Object.entries(BROKEN))('%s', async (_name, broken) => {
    const {
      conf,
      before = 'true',
      start = `/usr/sbin/proftpd -c ${CONF}`,
      after = 'true',
      uid = NOBODY,
    } = broken;
    await machine.shell(before);
    await install(conf());
    if (broken.prepare === 'taken') await queueScript('pass', 1);
    if (!broken.stopped) {
      await machine.shell(start);
      await machine.listening();
    }
    await (after === 'filled' ? fillQueue() : machine.shell(after));
    expect(await mend(uid)).toEqual(broken.codes);
    await expectArrival(uid);
  });
});
