import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {CHECKOUT} from '../helpers/checkout.ts';
import {freePort} from '../helpers/freePorts.ts';
import {FtpSession} from '../helpers/ftpSession.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';
import {startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {runFtpdctl} from '../helpers/program.ts';

const readme = readFileSync(join(CHECKOUT, 'README.md'), 'utf8');
const section = /## Make a ProFTPD take messages\n([\s\S]*?)\n## /.exec(readme)![1]!;
const LINES = /```apache\n([\s\S]*?)```/.exec(section)![1]!;
/** For Debian, RPM systems and a build from source. */
const [DEBIAN] = [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) => text!);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync('/tmp/setup-');
  chmodSync(directory, 0o755);
});
afterAll(() => rmSync(directory, {recursive: true, force: true}));

test('the manual page has the same lines', () => {
  const page = readFileSync(join(CHECKOUT, 'man', 'src', 'ftpdctl.mdoc'), 'utf8');
  expect(page).toContain(`.Bd -literal -offset indent\n${LINES}.Ed\n`);
});

/** Why no files of the system's can be replaced for one process alone, or `null`. */
function whyNoPrivateFiles(): string | null {
  if (!existsSync('/etc/proftpd/modules.conf')) return '/etc/proftpd is not as Debian has it';
  return whyNoProftpd();
}

describeWithPeer(whyNoPrivateFiles(), "on Debian's configuration, as the README has it", () => {
  let proftpd: ChildProcess;
  let socket: string;
  let port: number;

  beforeAll(async () => {
    const etc = join(directory, 'etc');
    cpSync('/etc/proftpd', etc, {recursive: true});
    writeFileSync(join(etc, 'conf.d', 'messages.conf'), LINES);
    port = await freePort();
    const commands = DEBIAN!.split('\n').filter((line) => /^(touch|echo|sed)/.test(line));
    expect(commands).toHaveLength(3);
    const script = [
      'set -e',
      `mount --bind ${etc} /etc/proftpd`,
      'for place in /run /etc/tmpfiles.d /var/log/proftpd; do mount -t tmpfs -o mode=755 none $place; done',
      ...commands,
      `sed -i 's/^Port.*/Port ${port}/' /etc/proftpd/proftpd.conf`,
      'exec proftpd -n',
    ];
    proftpd = spawn('unshare', ['--mount', 'sh', '-c', script.join('\n')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    proftpd.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    socket = `/proc/${proftpd.pid}/root/run/proftpd/proftpd.sock`;
    while (!(said.includes('STARTUP') && existsSync(socket))) {
      if (proftpd.exitCode !== null) throw new Error(`it did not start: ${said}`);
      await sleep(20);
    }
  });
  afterAll(async () => {
    if (proftpd.exitCode !== null) return;
    proftpd.kill();
    await once(proftpd, 'exit');
  });

  test('a message arrives, and the other actions are there', async () => {
    const session = await FtpSession.connect(port);
    const sent = await runFtpdctl(['-s', socket, 'msg', '--via', 'controls', 'host', '127.0.0.1', 'hello']);
    expect(sent).toMatchObject({status: 0, stdout: 'ftpdctl: message sent\n'});
    const replies = [];
    while (!replies.join('\n').includes('hello')) replies.push(...(await session.command('NOOP')));
    await session.close();
    const status = await runFtpdctl(['-s', socket, 'status']);
    expect(status).toMatchObject({status: 0, stdout: `ftpdctl: status: 0.0.0.0#${port} UP\n`});
  });

  test('nobody but root is let in', async () => {
    const inside = ['--target', `${proftpd.pid}`, '--mount'];
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const stock = ['ftpdctl', '-s', '/run/proftpd/proftpd.sock', 'msg', 'all', 'hello'];
    const run = await runProcess('nsenter', [...inside, ...asNobody, ...stock], {
      env: {PATH: '/usr/sbin:/usr/bin'},
    });
    expect(run).toMatchObject({status: 0, stdout: 'ftpdctl: access denied\n'});
  });
});

describeWithPeer(whyNoProftpd(), 'the same lines', () => {
  const BEFORE = {
    'of RPM systems, at the end of a configuration without modules': ['ModulePath /usr/lib/proftpd'],
    'of a build that has both modules in it': [
      'ModulePath /usr/lib/proftpd',
      'LoadModule mod_ctrls_admin.c',
      'LoadModule mod_msg.c',
    ],
  };

  test.each(Object.entries(BEFORE))('%s', async (name, before) => {
    const place = join(directory, name.replaceAll(' ', '-'));
    mkdirSync(place);
    writeFileSync(join(place, 'message-queue'), '');
    const here = LINES.replaceAll('/run/proftpd', place).replaceAll('/etc/proftpd', place);
    const file = join(place, 'proftpd.conf');
    const own = [`PidFile ${place}/pid`, `ScoreboardFile ${place}/scoreboard`, 'Port 0', 'ServerName setup'];
    const check = (lines: string) => {
      writeFileSync(file, [...before, ...own, lines].join('\n'));
      return runProcess('/usr/sbin/proftpd', ['-t', '-c', file], {env: {}});
    };
    const good = await check(here);
    expect(good.status).toBe(0);
    expect(good.stderr).not.toContain('fatal');
    expect((await check(here.replace('MessageQueue', 'MessageQueu'))).status).toBe(1);
  });
});

describe('without mod_msg', () => {
  test.skipIf(whyNoProftpd() !== null)('the answer says so, and where to read on', async () => {
    const proftpd = await startProftpd({withoutMessages: true});
    try {
      for (const via of ['controls', 'auto']) {
        const run = await runFtpdctl(['-s', proftpd.socket, 'msg', '--via', via, 'all', 'hello']);
        expect(run).toMatchObject({status: 7, stdout: 'ftpdctl: mod_msg is not loaded\n'});
        expect(run.stderr).toBe(
          'ftpdctl: "man ftpdctl" tells how to make a ProFTPD take messages (SETTING UP A PROFTPD); if "rmctrl msg" has ' +
            'taken the action away, "insctrl msg" brings it back\n',
        );
      }
    } finally {
      await proftpd.stop();
    }
  });
});
