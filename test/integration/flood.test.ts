import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {logLines, makePlace, OPEN_TO_ROOT, placesIn} from '../helpers/controlsServer.ts';
import {requestFrame} from '../helpers/frames.ts';
import {runProcess} from '../helpers/process.ts';
import {runFtpdctl} from '../helpers/program.ts';
import {type ServeProgram, spawnServe} from '../helpers/serveProgram.ts';

const NOBODY = 65534;
let place: string;
let socket: string;
let program: ServeProgram;
const attackers: ChildProcess[] = [];

/** Perl, which every Debian has, connects faster than this server could ever take a connection apart. */
const ATTACK = `use Socket; use strict; $| = 1; $SIG{PIPE} = 'IGNORE';
my ($path, $frame) = @ARGV; my $address = sockaddr_un($path);
my $bytes = ''; if ($frame) { open(my $in, '<', $frame); local $/; $bytes = <$in>; }
for (my $count = 1; ; $count++) {
  socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; connect($s, $address) or die "connect: $!";
  if ($bytes) { syswrite($s, $bytes); shutdown($s, 1); my $answer; sysread($s, $answer, 4096); }
  close $s; print "$count\\n" if $count == 3000;
}`;

/** Attacks as another user; resolves when it is well under way. */
async function attack(...args: string[]): Promise<ChildProcess> {
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const child = spawn('setpriv', [...user, 'perl', '-e', ATTACK, socket, ...args]);
  attackers.push(child);
  await once(child.stdout, 'data');
  return child;
}

beforeEach(async () => {
  place = makePlace();
  socket = join(place, 'ctrls');
  writeFileSync(join(place, 'proftpd.conf'), [...placesIn(place), ...OPEN_TO_ROOT, ''].join('\n'));
  program = spawnServe(['serve', '--config', join(place, 'proftpd.conf')]);
  await program.said(/listening at/);
});
afterEach(async () => {
  for (const attacker of attackers.splice(0)) attacker.kill('SIGKILL');
  await program.kill();
  rmSync(place, {recursive: true, force: true});
});

describe.runIf(process.geteuid!() === 0)('a user whom ControlsSocketACL denies', () => {
  const log = () => join(place, 'controls.log');
  const asked = () => runFtpdctl(['-s', socket, '--timeout', '10', 'lsctrl']);

  async function serverStaysWell(): Promise<void> {
    for (let time = 0; time < 5; time++) expect(await asked()).toMatchObject({status: 0, stderr: ''});
    expect(readdirSync(`/proc/${program.pid}/fd`).length).toBeLessThan(600);
    for (const attacker of attackers) expect(attacker.exitCode).toBeNull();
    expect(statSync(log()).size).toBeLessThan(500_000);
    program.signal('SIGTERM');
    expect(await program.ended).toBe(0);
    const lines = logLines(log());
    expect(lines).toContainEqual(
      expect.stringMatching(/^left out: \d+ connections from nobody\/nogroup client, too many at once$/),
    );
    expect(lines.filter((line) => line === "recvd from root/root client: 'lsctrl'")).toHaveLength(5);
    expect(lines.at(-1)).toBe('server stopped');
  }

  test('keeps nobody waiting who connects and closes as fast as can be', async () => {
    await Promise.all([attack(), attack()]);
    await serverStaysWell();
  });

  test('fills no log with requests of 64 KiB', async () => {
    const frame = join(place, 'frame');
    writeFileSync(frame, requestFrame('json', 'msg', 'all', 'x'.repeat(60_000)), {mode: 0o644});
    await attack(frame);
    await serverStaysWell();
    const refused = logLines(log()).find((line) => line.startsWith("recvd from nobody/nogroup client: 'msg"));
    expect(refused).toMatch(/^recvd from nobody\/nogroup client: 'msg all x{192}… \(60008 characters\)'$/);
    expect(readFileSync(log(), 'utf8')).not.toContain('x'.repeat(201));
  });
});

/** Prints how many of 3,000 requests were answered. */
const COUNT_ANSWERS = `use Socket; use strict; $SIG{PIPE} = 'IGNORE'; my $answered = 0;
my ($path, $frame) = @ARGV; my $address = sockaddr_un($path);
open(my $in, '<', $frame); my $bytes; { local $/; $bytes = <$in>; }
for (1 .. 3000) {
  socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; connect($s, $address) or die "connect: $!";
  syswrite($s, $bytes); my $answer; $answered++ if sysread($s, $answer, 4096); close $s;
}
print $answered`;

test.runIf(process.geteuid!() === 0)('who is denied hundreds of times on end is not even heard', async () => {
  const frame = join(place, 'frame');
  writeFileSync(frame, requestFrame('json', 'msg', 'all', 'hi'), {mode: 0o644});
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const begin = performance.now();
  const {stdout} = await runProcess('setpriv', [...user, 'perl', '-e', COUNT_ANSWERS, socket, frame], {
    env: {},
  });
  const seconds = (performance.now() - begin) / 1000;
  expect(Number(stdout)).toBeGreaterThanOrEqual(500);
  expect(Number(stdout)).toBeLessThanOrEqual(500 + 50 * (seconds + 1));
});

test.runIf(process.geteuid!() === 0)(
  'a user who may do no more than connect fills no log either',
  async () => {
    const log = join(place, 'controls.log');
    writeFileSync(
      join(place, 'proftpd.conf'),
      [...placesIn(place), 'ControlsSocketACL allow user *', ''].join('\n'),
    );
    program.signal('SIGHUP');
    await vi.waitFor(() => expect(logLines(log)).toContain('configuration read again'));
    const frame = join(place, 'frame');
    writeFileSync(frame, requestFrame('json', 'acl', 'check', 'x'.repeat(60_000)), {mode: 0o644});
    await attack(frame);
    program.signal('SIGTERM');
    expect(await program.ended).toBe(0);
    const lines = logLines(log);
    expect(lines).toContain(
      `recvd from nobody/nogroup client: 'acl check ${'x'.repeat(190)}… (60010 characters)'`,
    );
    expect(lines.find((line) => line.startsWith("sent to nobody/nogroup client: 'x"))).toMatch(
      /^.{1050,1080}… \(\d{5,6} characters\)'$/,
    );
    expect(lines).toContainEqual(expect.stringMatching(/^left out: \d+ connections from nobody/));
  },
);
