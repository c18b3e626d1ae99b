import {type ChildProcess, execFileSync, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {connect as connectTo, type Socket} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi} from 'vitest';
import {CHECKOUT, checkoutFor} from '../helpers/checkout.ts';
import {openData} from '../helpers/data.ts';
import type {FtpSession} from '../helpers/ftpSession.ts';
import {OwnMachine, whyNoOwnMachine} from '../helpers/ownMachine.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {cleanEnvironment, runFtpdctl} from '../helpers/program.ts';

/** Longer than the test: nobody waits for a poll. */
const NEVER = 600;
const NOBODY = 65_534;
/** Debian's python3-prometheus-client is of Debian's Python. */
const PYTHON = '/usr/bin/python3';
const MODULES = ['/usr/lib/proftpd/mod_tls.so', '/usr/lib/proftpd/mod_sftp.so'];

const noModules = MODULES.find((file) => !existsSync(file))?.concat(
  ' is missing (Debian: proftpd-mod-crypto)',
);
const noParser =
  spawnSync(PYTHON, ['-c', 'import prometheus_client.parser']).status === 0
    ? null
    : 'Python has no prometheus_client (Debian: python3-prometheus-client)';

/** The official parser of Prometheus' text format: every sample as `[name, labels, value]`. */
const PARSE = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.read()))
assert all(family.documentation and family.type == 'gauge' for family in families), families
print(json.dumps([[s.name, s.labels, s.value] for family in families for s in family.samples]))
`;

const RECIPES = readFileSync(join(CHECKOUT, 'docs', 'recipes.md'), 'utf8');
/** A line of a recipe, with our program. @param uid who runs it */
const here = (line: string, uid?: number) =>
  line.replaceAll('/usr/local/bin/ftpdctl', `${process.execPath} ${join(checkoutFor(uid), 'bin', 'run.js')}`);

/** `'label'=value[unit];[warning];[critical];[min];[max]` of the Monitoring Plugins' guidelines. */
const RANGE = '(@?(?:(?:~|-?[\\d.]+):)?(?:-?[\\d.]+)?)';
const VALUE = new RegExp(
  `^([^ '=]+)=(-?[\\d.]+)(us|ms|s|%|B|KB|MB|GB|TB|c)?(?:;${RANGE})?(?:;${RANGE})?(?:;([\\d.]*))?(?:;([\\d.]*))?$`,
);

/** One line: the service, its state, a text, and behind the only `|` the performance data. */
function pluginOutput(output: string): {word: string; text: string; values: Record<string, string[]>} {
  const [, word, text, data] =
    /^FTPDCTL (OK|WARNING|CRITICAL|UNKNOWN) - ([^|\n]+?)(?: \| ([^|\n]+))?\n$/.exec(output)!;
  const values = (data?.split(' ') ?? []).map((each) => {
    const [, label, ...fields] = VALUE.exec(each)!;
    return [label!, fields.map((field) => field ?? '')] as const;
  });
  return {word: word!, text: text!, values: Object.fromEntries(values)};
}

type Sample = [name: string, labels: Record<string, string>, value: number];

async function parse(text: string): Promise<Sample[]> {
  const run = await runProcess(PYTHON, ['-c', PARSE], {env: cleanEnvironment('/'), input: text});
  expect(run).toMatchObject({status: 0, stderr: ''});
  return JSON.parse(run.stdout);
}

describeWithPeer(
  whyNoProftpd() ?? noModules ?? noParser,
  'monitoring a real ProFTPD with sessions of each kind',
  () => {
    let proftpd: RealProftpd;
    let keys: string;
    const sessions: FtpSession[] = [];
    const others: (ChildProcess | Socket)[] = [];

    beforeAll(async () => {
      keys = mkdtempSync('/tmp/keys-');
      chmodSync(keys, 0o755);
      const [key, certificate] = [join(keys, 'key.pem'), join(keys, 'certificate.pem')];
      const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=tests', '-days', '2'];
      execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], {stdio: 'ignore'});
      execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-m', 'PEM', '-N', '', '-f', join(keys, 'host')]);
      proftpd = await startProftpd({
        controlsInterval: NEVER,
        modules: ['mod_tls.c', 'mod_sftp.c'],
        classes: {staff: ['127.0.0.3']},
        directives: ['MaxInstances 20', 'TransferRate RETR 100', 'TransferRate STOR 100', 'UseSendfile off'],
        virtualHosts: [
          {
            directives: [
              'TLSEngine on',
              `TLSRSACertificateFile ${certificate}`,
              `TLSRSACertificateKeyFile ${key}`,
            ],
          },
          {directives: ['SFTPEngine on', `SFTPHostKey ${keys}/host`]},
        ],
      });
      writeFileSync(join(proftpd.directory, 'home', 'dave', 'big'), Buffer.alloc(4 << 20));
      await connectAll();
    });
    afterAll(async () => {
      for (const one of others) 'kill' in one ? one.kill() : one.destroy();
      await Promise.all(sessions.map((session) => session.close()));
      await proftpd?.stop();
      rmSync(keys, {recursive: true, force: true});
    });

    /** One of each, and of no two kinds as many. */
    async function connectAll(): Promise<void> {
      sessions.push(await proftpd.session());
      for (let i = 0; i < 2; i++) sessions.push(await proftpd.session('alice', {localAddress: '127.0.0.3'}));
      const loading = await proftpd.session('dave');
      (await openData(loading)).pause();
      await loading.command('RETR big');
      const storing = await proftpd.session('dave');
      const upload = await openData(storing);
      await storing.command('STOR new');
      upload.write('some bytes');
      sessions.push(loading, storing);
      const [tls, sftp] = proftpd.virtualHosts;
      const words = ['s_client', '-quiet', '-starttls', 'ftp', '-connect', `127.0.0.1:${tls}`];
      others.push(spawn('openssl', words, {stdio: ['pipe', 'ignore', 'ignore']}));
      const ssh = connectTo(sftp!, '127.0.0.1');
      others.push(ssh);
      await once(ssh, 'data');
    }

    const run = (args: string[], uid?: number) =>
      runFtpdctl(['-s', proftpd.socket, ...args], {
        env: {PROFTPD_CONF: proftpd.configFile},
        ...(uid === undefined ? {} : {uid}),
      });

    const COUNTS: readonly Sample[] = [
      ['proftpd_up', {}, 1],
      ['proftpd_sessions', {protocol: 'ftp', class: ''}, 3],
      ['proftpd_sessions', {protocol: 'ftp', class: 'staff'}, 2],
      ['proftpd_sessions', {protocol: 'ftps', class: ''}, 1],
      ['proftpd_sessions', {protocol: 'ssh2', class: ''}, 1],
      ['proftpd_sessions_authenticated', {}, 4],
      ['proftpd_sessions_limit', {}, 20],
      ['proftpd_transfers', {direction: 'download'}, 1],
      ['proftpd_transfers', {direction: 'upload'}, 1],
      ['proftpd_message_queue_bytes', {}, 0],
      ['proftpd_message_queue_capacity_bytes', {}, 16384],
      ['proftpd_message_queue_messages', {}, 0],
    ];

    it.each([
      ['root', undefined],
      ['another user', NOBODY],
    ] as const)('metrics, as %s', async (_who, uid) => {
      let samples: Sample[] = [];
      // ProFTPD writes the bytes of a transfer now and then, and the protocol after the handshake.
      for (let i = 0; i < 100; i++) {
        const {status, stdout, stderr} = await run(['metrics'], uid);
        expect({status, stderr}).toEqual({status: 0, stderr: ''});
        samples = await parse(stdout);
        const bytes = samples.find(
          ([name, labels]) => name === 'proftpd_transfer_bytes' && labels['direction'] === 'download',
        );
        if (samples.some(([, labels]) => labels['protocol'] === 'ftps') && bytes![2] > 0) break;
        await sleep(50);
      }
      expect(samples).toEqual(expect.arrayContaining([...COUNTS]));
      expect(samples).toHaveLength(COUNTS.length + 3);
      const started = samples.find(([name]) => name === 'proftpd_start_time_seconds')![2];
      expect(Math.abs(started - Date.now() / 1000)).toBeLessThan(120);
    });

    it('check: as expected, to be warned of, critical', async () => {
      const data = (limits: string) => `sessions=7;${limits};0;20 queue_bytes=0B;;;0;16384`;
      const said = '7 sessions of 20, 0 of 16384 bytes queued';
      expect(await run(['check', '-w', '10', '-c', '15'])).toMatchObject({
        status: 0,
        stdout: `FTPDCTL OK - ${said} | ${data('10;15')}\n`,
      });
      expect(await run(['check', '-w', '6', '-c', '15'], NOBODY)).toMatchObject({
        status: 1,
        stdout: `FTPDCTL WARNING - ${said}, sessions is not within 6 | ${data('6;15')}\n`,
      });
      expect(await run(['check', '-w', '6', '-c', '8:'])).toMatchObject({
        status: 2,
        stdout: `FTPDCTL CRITICAL - ${said}, sessions is not within 8: | ${data('6;8:')}\n`,
      });
    });

    it('check: a queue that fills', async () => {
      const {status, stdout} = await run(['check', '--queue-warning', '1:', '--queue-critical', '@1:']);
      expect({status, stdout}).toEqual({
        status: 1,
        stdout: expect.stringMatching(
          /^FTPDCTL WARNING .*, queue_bytes is not within 1: \| sessions=7;;;0;20 queue_bytes=0B;1:;@1:;0;16384\n$/,
        ),
      });
    });

    it('check: no answer is critical', async () => {
      const {status, stdout} = await run(['--timeout', '1', 'check', '--probe']);
      expect({status, stdout}).toEqual({
        status: 2,
        stdout: expect.stringMatching(
          /^FTPDCTL CRITICAL - 7 sessions of 20, .*no answer within 1 s.* \| sessions=7;;;0;20 /,
        ),
      });
    });

    it('check: with others beside it, and no word which is meant, nobody can say', async () => {
      const other = await startProftpd();
      try {
        const {status, stdout} = await runFtpdctl(['check']);
        expect({status, stdout}).toEqual({
          status: 3,
          stdout: expect.stringMatching(/^FTPDCTL UNKNOWN - \d+ ProFTPDs run on this machine: [^\n]*\n$/),
        });
      } finally {
        await other.stop();
      }
    });

    describe('the recipe for Prometheus', () => {
      const unit = /^# \/etc\/systemd\/system\/ftp-metrics\.service\n(.*?)^```/ms.exec(RECIPES)![1]!;
      const settingOf = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)![1]!;
      let collector: string;
      beforeEach(() => {
        collector = mkdtempSync('/tmp/collector-');
      });
      afterEach(() => rmSync(collector, {recursive: true, force: true}));

      /** As systemd runs it: a line without expansions is divided as a shell would. */
      const collect = (env: NodeJS.ProcessEnv = {}) => {
        const {socket, configFile} = proftpd;
        const all = {FTPDCTL_SOCKET: socket, PROFTPD_CONF: configFile, ...cleanEnvironment(keys), ...env};
        return runProcess('/bin/sh', ['-c', `exec ${here(settingOf('ExecStart'))}`], {
          env: all,
          cwd: collector,
        });
      };
      const file = () => join(collector, 'proftpd.prom');

      it('writes where the collector of Debian reads', () => {
        expect(settingOf('WorkingDirectory')).toBe('/var/lib/prometheus/node-exporter');
        expect(settingOf('ExecStart')).not.toMatch(/[$%]/);
      });

      it('makes a whole file at once, that everybody may read', async () => {
        expect(await collect()).toMatchObject({status: 0, stdout: '', stderr: ''});
        const reader = openSync(file(), 'r');
        try {
          const first = readFileSync(file(), 'utf8');
          expect(await parse(first)).toContainEqual(['proftpd_up', {}, 1]);
          expect(await collect()).toMatchObject({status: 0, stderr: ''});
          // Whoever reads has the old one to its end, or the new one.
          expect(readFileSync(reader, 'utf8')).toBe(first);
          expect(statSync(file()).ino).not.toBe(fstatSync(reader).ino);
        } finally {
          closeSync(reader);
        }
        expect(statSync(file()).mode & 0o444).toBe(0o444);
        expect(readdirSync(collector)).toEqual(['proftpd.prom']);
      });

      it('leaves the last file as it was where nobody can say, and goes on from there', async () => {
        await collect();
        const text = readFileSync(file(), 'utf8');
        expect(await collect({FTPDCTL_SOCKET: 'nonsense'})).toMatchObject({status: 3});
        expect(readFileSync(file(), 'utf8')).toBe(text);
        expect(await collect()).toMatchObject({status: 0, stderr: ''});
      });

      it('writes through no link that the user of the collector has put there', async () => {
        const victim = join(keys, 'victim');
        writeFileSync(victim, 'precious');
        symlinkSync(victim, join(collector, 'proftpd.new'));
        expect(await collect()).toMatchObject({status: 0, stderr: ''});
        expect(readFileSync(victim, 'utf8')).toBe('precious');
        expect(lstatSync(file()).isSymbolicLink()).toBe(false);
      });
    });

    describe('the recipe for Nagios', () => {
      const [, block] = /^```cfg\n(.*?)^```/ms.exec(RECIPES)!;
      const commands = new Map(
        [...block!.matchAll(/^command\[(\w+)\]=(.*)$/gm)].map(([, name, line]) => [name!, line!]),
      );
      /** As NRPE runs it: by a shell, as a user who is not root, with next to nothing in its environment. */
      const nrpe = async (line: string, {socket, configFile}: RealProftpd, env: NodeJS.ProcessEnv = {}) => {
        const all = {FTPDCTL_SOCKET: socket, PROFTPD_CONF: configFile, PATH: '/usr/bin:/bin', ...env};
        const run = await runProcess('/bin/sh', ['-c', here(line, NOBODY)], {
          env: all,
          cwd: '/',
          uid: NOBODY,
        });
        expect(run.stderr).toBe('');
        return {status: run.status, ...pluginOutput(run.stdout)};
      };
      const sessions = () => commands.get('check_ftp_sessions')!;

      it.each([
        ['-w 50 -c 80', 0, 'OK'],
        ['-w 6 -c 80', 1, 'WARNING'],
        ['-w 5 -c 6', 2, 'CRITICAL'],
      ])('sessions, with %s: %d', async (limits, status, word) => {
        const line = sessions().replace('-w 50 -c 80', limits);
        const [, warning, critical] = /-w (\d+) -c (\d+)/.exec(line)!;
        expect(await nrpe(line, proftpd)).toMatchObject({
          status,
          word,
          values: {
            sessions: ['7', '', warning, critical, '0', '20'],
            queue_bytes: ['0', 'B', '', '', '0', '16384'],
          },
        });
      });

      it('sessions, where nobody can say: 3', async () => {
        const env = {FTPDCTL_SOCKET: 'a|b\nc'};
        expect(await nrpe(sessions(), proftpd, env)).toMatchObject({status: 3, word: 'UNKNOWN', values: {}});
      });

      it('answers, of a daemon that does and of one that does not', async () => {
        const line = commands.get('check_ftp_answers')!;
        const other = await startProftpd();
        try {
          const {status, values} = await nrpe(line, other);
          expect({status, ...values}).toMatchObject({
            status: 0,
            queue_bytes: ['0', 'B', '8192', '', '0', '16384'],
            poll_time: [expect.stringMatching(/^\d+(\.\d+)?$/), 's', '', '', '0', ''],
          });
        } finally {
          await other.stop();
        }
        const soon = line.replace('--timeout 25', '--timeout 1');
        expect(await nrpe(soon, proftpd)).toMatchObject({status: 2, word: 'CRITICAL'});
      });
    });

    it('one that has been stopped by a signal', async () => {
      const lone = await startProftpd();
      try {
        process.kill(lone.pid, 'SIGSTOP');
        const args = ['-s', lone.socket, 'check'];
        await vi.waitFor(async () =>
          expect(await runFtpdctl(args)).toMatchObject({
            status: 2,
            stdout: expect.stringMatching(
              /^FTPDCTL CRITICAL - 0 sessions.* stopped by a signal.* \| sessions=0;/,
            ),
          }),
        );
        process.kill(lone.pid, 'SIGCONT');
        await vi.waitFor(async () => expect((await runFtpdctl(args)).status).toBe(0));
      } finally {
        await lone.stop();
      }
    });

    it.skipIf(whyNoOwnMachine() !== null)('one that does not run, nor any other', async () => {
      const machine = await OwnMachine.start();
      try {
        const [metrics, check] = await Promise.all([
          machine.ftpdctl(['-s', '/run/nosuch.sock', 'metrics']),
          machine.ftpdctl(['-s', '/run/nosuch.sock', 'check', '--probe']),
        ]);
        expect(metrics.status).toBe(0);
        expect(await parse(metrics.stdout)).toEqual([['proftpd_up', {}, 0]]);
        expect(check).toMatchObject({
          status: 2,
          stdout: expect.stringMatching(/^FTPDCTL CRITICAL - no ProFTPD [^\n]*\n$/),
        });
      } finally {
        await machine.stop();
      }
    });
  },
);
