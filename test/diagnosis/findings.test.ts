import {dirname} from 'node:path';
import {isDeepStrictEqual} from 'node:util';
import {describe, expect, test} from 'vitest';
import {resolveAcls} from '../../src/lib/acl/resolve.ts';
import {loadSettings, type ModuleLine} from '../../src/lib/config/load.ts';
import {diagnose} from '../../src/lib/diagnosis/diagnose.ts';
import type {ConfigurationFacts, Facts, FileProblem} from '../../src/lib/diagnosis/facts.ts';
import type {FindingCode, Level} from '../../src/lib/diagnosis/findings.ts';
import {append, type Mend, mend, remove, replace} from '../../src/lib/diagnosis/mends.ts';
import {parseVersion} from '../../src/lib/protocol/version.ts';
import {memorySource} from '../config/memorySource.ts';

const FILE = '/etc/proftpd.conf';
const LOADED = 'LoadModule mod_msg.c';
const WORKING = [
  LOADED,
  'ControlsSocket /run/proftpd.sock',
  'ControlsInterval 1',
  'ControlsSocketACL allow user dave',
  'MessageControlsACLs all allow user dave',
  'MessageQueue /etc/queue',
  'MessageEngine on',
];
const IDS: Readonly<Record<string, number>> = {root: 0, dave: 4001, alice: 4002, bob: 4003};
const names = {uid: (name: string) => IDS[name], gid: (name: string) => IDS[name]};

function configuration(
  lines: readonly string[],
  {
    version = '1.3.8',
    ...more
  }: Partial<Extract<ConfigurationFacts, {kind: 'read'}>> & {version?: string} = {},
): Extract<ConfigurationFacts, {kind: 'read'}> {
  const source = memorySource({[FILE]: lines.join('\n'), '/srv/log/': '', '/tmp/': ''});
  const loaded = loadSettings(source, FILE, {modules: ['mod_core.c']});
  const {acls, controls} = loaded.settings;
  const access = resolveAcls(acls, names, {engine: controls.engine, version: parseVersion(version)});
  return {
    kind: 'read',
    file: FILE,
    isAssumed: false,
    loaded,
    access,
    newest: null,
    exposed: [],
    undecided: null,
    missingModules: [],
    hasMsgFile: true,
    ...more,
  };
}

const GOOD: Facts = {
  caller: {uid: 4001, gid: 4001, user: 'dave', group: 'dave'},
  timeout: 30_000,
  packages: 'apt',
  program: {
    path: '/usr/sbin/proftpd',
    version: '1.3.8',
    controls: true,
    modules: new Set(['mod_core.c']),
    moduleDirectory: '/usr/lib/proftpd',
    scoreboard: '/run/proftpd.scoreboard',
  },
  configuration: configuration(WORKING),
  daemon: {
    kind: 'running',
    pid: 812,
    dialect: 'binary',
    startedAt: 1_000_000,
    isSuspended: false,
    restartedAt: null,
    restart: 'systemctl restart proftpd',
  },
  socket: {kind: 'there', path: '/run/proftpd.sock', privateTmp: null},
  queue: {
    kind: 'there',
    path: '/etc/queue',
    bytes: 0,
    capacity: 16384,
    messages: 0,
    leftovers: 0,
    isFull: false,
  },
  scoreboard: {kind: 'read', path: '/run/proftpd.scoreboard', sessions: 2, others: 1},
  direct: {kind: 'impossible', why: 'only root may signal the sessions of a ProFTPD'},
  files: [],
  probe: null,
};

/** What is not as it should be: `fault CODE`, in order. */
function found(changes: Partial<Facts>): {works: boolean; via: string | null; codes: string[]} {
  const {works, via, findings} = diagnose({...GOOD, ...changes});
  const bad = findings.filter(({level}) => level === 'fault' || level === 'warning');
  return {works, via, codes: bad.map(({level, code}) => `${level} ${code}`)};
}

function mendOf(code: FindingCode, changes: Partial<Facts>) {
  const finding = diagnose({...GOOD, ...changes}).findings.find((each) => each.code === code);
  expect(finding, code).toBeDefined();
  return finding!.mend;
}

const STOPPED: Partial<Facts> = {
  daemon: {kind: 'stopped', start: 'systemctl start proftpd', others: []},
  socket: {kind: 'none'},
  queue: {kind: 'none'},
  scoreboard: {kind: 'none'},
};

/** A finding as it is expected. @param at: a line of FILE */
function finding(level: Level) {
  return (
    code: FindingCode,
    details: object,
    {at, mend: parts}: {at?: number; mend?: Partial<Mend>} = {},
  ) => ({
    code,
    level,
    details,
    at: at === undefined ? null : line(at),
    mend: parts === undefined ? null : mend(parts),
  });
}

const [fault, warning, note, ok] = [finding('fault'), finding('warning'), finding('note'), finding('ok')];

function line(number: number) {
  return {file: FILE, line: number};
}

/** A file that cannot be used, of a directive. */
function fileAt(
  directive: FileProblem['directive'],
  path: string,
  problem: FileProblem['problem'],
): FileProblem {
  return {directive, path, directory: dirname(path), problem};
}

/** The first line of FILE, which loads a module. */
function loadLine(module: string): ModuleLine {
  return {kind: 'load', value: module, at: line(1)};
}

const RIGHT = [
  ok('installed', {program: '/usr/sbin/proftpd', version: '1.3.8'}),
  ok('running', {pid: 812, dialect: 'binary', configuration: '/etc/proftpd.conf'}),
  ok('socket', {path: '/run/proftpd.sock'}),
  note('access', {connect: 'user dave', msg: 'user dave', you: true, root: false}),
  ok('msg-ready', {servers: 1}),
  ok('queue', {path: '/etc/queue', bytes: 0, capacity: 16384}),
  ok('scoreboard', {path: '/run/proftpd.scoreboard', sessions: 2, others: 1}),
  note('not-direct', {why: 'only root may signal the sessions of a ProFTPD'}),
];

test('where everything works that is told', () => {
  expect(diagnose(GOOD)).toEqual({works: true, via: 'controls', findings: RIGHT});
});

/** What is told beside what is told where everything works. */
// biome-ignore format: a finding a line
const FOUND: [string, Partial<Facts>, ReturnType<typeof fault>[]][] = [
  ['not installed, Debian', {...STOPPED, program: null},
    [fault('not-installed', {packages: 'apt'}, {mend: {commands: ['apt-get install -y proftpd-core proftpd-mod-msg']}}),
     fault('not-running', {others: []}, {mend: {commands: ['systemctl start proftpd']}})]],
  ['not installed, Fedora', {...STOPPED, program: null, packages: 'dnf'},
    [fault('not-installed', {packages: 'dnf'}, {mend: {commands: ['dnf install -y proftpd']}}),
     fault('not-running', {others: []}, {mend: {commands: ['systemctl start proftpd']}})]],
  ['not installed, elsewhere', {...STOPPED, program: null, packages: null},
    [fault('not-installed', {packages: null}, {mend: {}}),
     fault('not-running', {others: []}, {mend: {commands: ['systemctl start proftpd']}})]],
  ['a program that was removed, and runs', {program: null}, []],
  ['not running, and nobody knows how it is started',
    {...STOPPED, daemon: {kind: 'stopped', start: null, others: [{pid: 9, socket: '/run/9'}]}},
    [fault('not-running', {others: [{pid: 9, socket: '/run/9'}]}, {mend: {}})]],
  ['not running', STOPPED, [fault('not-running', {others: []}, {mend: {commands: ['systemctl start proftpd']}})]],
  ['in another pid namespace', {...STOPPED, daemon: {kind: 'elsewhere', pid: 9, prefix: 'nsenter -t 9 -p'}},
    [fault('elsewhere', {pid: 9}, {mend: {prefix: 'nsenter -t 9 -p'}})]],
  ['of another user', {...STOPPED, daemon: {kind: 'untrusted', pid: 9, why: 'why'}},
    [fault('untrusted', {pid: 9, why: 'why'})]],
  ['a session of inetd',
    {...STOPPED, daemon: {kind: 'untrusted', pid: 9, why: 'why'}, configuration: configuration([...WORKING, 'ServerType inetd'])},
    [fault('inetd', {}, {at: 8, mend: {edits: [replace(line(8), 'ServerType standalone')]}})]],
  ['a configuration with a fault',
    {configuration: {kind: 'broken', file: FILE, at: line(3), problem: 'what'}},
    [fault('configuration-broken', {problem: 'what'}, {at: 3})]],
  ['a configuration that includes what cannot be read',
    {configuration: {kind: 'broken', file: FILE, at: {file: '/etc/inc.conf'}, problem: 'what'}},
    [fault('configuration-broken', {problem: '/etc/inc.conf: what'})]],
  ['no configuration', {configuration: {kind: 'unknown', why: 'why'}},
    [fault('configuration-unknown', {why: 'why'}),
     ok('running', {pid: 812, dialect: 'binary', configuration: null})]],
  ['no configuration, nor a program', {...STOPPED, program: null, configuration: {kind: 'unknown', why: 'why'}},
    [fault('not-installed', {packages: 'apt'}, {mend: {commands: ['apt-get install -y proftpd-core proftpd-mod-msg']}}),
     fault('not-running', {others: []}, {mend: {commands: ['systemctl start proftpd']}})]],
  ['a configuration at its usual place', {configuration: configuration(WORKING, {isAssumed: true})},
    [note('configuration-assumed', {file: '/etc/proftpd.conf'})]],
  ['others may write it', {configuration: configuration(WORKING, {exposed: [FILE]})},
    [warning('configuration-exposed', {file: '/etc/proftpd.conf'}, {mend: {commands: ['chown root /etc/proftpd.conf', 'chmod go-w /etc/proftpd.conf']}})]],
  ['a module that is gone while it runs',
    {configuration: configuration(['LoadModule mod_x.c', ...WORKING], {missingModules: [loadLine('mod_x.c')]})},
    [warning('module-missing', {module: 'mod_x.c'}, {at: 1, mend: {edits: [remove(line(1))]}})]],
  ['a module that keeps it from starting',
    {...STOPPED, configuration: configuration(['LoadModule mod_x.c', ...WORKING], {missingModules: [loadLine('mod_x.c')]})},
    [fault('module-missing', {module: 'mod_x.c'}, {at: 1, mend: {edits: [remove(line(1))]}}),
     fault('not-running', {others: []}, {mend: {commands: ['systemctl start proftpd']}})]],
  ['MessageLog none', {configuration: configuration([...WORKING, 'MessageLog none'])},
    [warning('message-log-none', {}, {at: 8, mend: {edits: [remove(line(8))]}})]],
  ['MessageLog none, and nothing to start',
    {...STOPPED, program: null, packages: null, configuration: configuration([...WORKING, 'MessageLog none'])},
    [fault('not-installed', {packages: null}, {mend: {}}),
     fault('not-running', {others: []}, {mend: {commands: ['systemctl start proftpd']}})]],
  ['a log whose directory is missing',
    {configuration: configuration([...WORKING, 'ControlsLog /srv/log/c.log']), files: [fileAt('ControlsLog', '/srv/log/c.log', 'missing')]},
    [warning('not-started-for-file', fileAt('ControlsLog', '/srv/log/c.log', 'missing'), {at: 8, mend: {commands: ['mkdir -p -m 755 /srv/log']}})]],
  ['a log in a directory that everybody may write to',
    {...STOPPED, configuration: configuration([...WORKING, 'ControlsLog /srv/log/c.log']), files: [fileAt('ControlsLog', '/srv/log/c.log', 'open')]},
    [fault('not-started-for-file', fileAt('ControlsLog', '/srv/log/c.log', 'open'), {at: 8, mend: {commands: ['chmod o-w /srv/log']}}),
     fault('not-running', {others: []}, {mend: {commands: ['systemctl start proftpd']}})]],
  ['a log in /tmp',
    {configuration: configuration([...WORKING, 'ControlsLog /tmp/c.log']), files: [fileAt('ControlsLog', '/tmp/c.log', 'shared')]},
    [warning('not-started-for-file', fileAt('ControlsLog', '/tmp/c.log', 'shared'), {at: 8, mend: {edits: [replace(line(8), 'ControlsLog /var/log/proftpd/c.log')], commands: ['mkdir -p -m 755 /var/log/proftpd']}})]],
  ['a scoreboard that is a link',
    {configuration: configuration([...WORKING, 'ScoreboardFile /tmp/sb']), files: [fileAt('ScoreboardFile', '/tmp/sb', 'link')]},
    [warning('not-started-for-file', fileAt('ScoreboardFile', '/tmp/sb', 'link'), {at: 8, mend: {edits: [replace(line(8), 'ScoreboardFile /run/proftpd.scoreboard')]}})]],
  ['a scoreboard that is a link, and no other known',
    {program: {...GOOD.program!, scoreboard: null}, configuration: configuration([...WORKING, 'ScoreboardFile /tmp/sb']), files: [fileAt('ScoreboardFile', '/tmp/sb', 'link')]},
    [warning('not-started-for-file', fileAt('ScoreboardFile', '/tmp/sb', 'link'), {at: 8, mend: {edits: [replace(line(8), 'ScoreboardFile /run/proftpd.scoreboard')]}})]],
  ['a scoreboard that is a link, by no line',
    {files: [fileAt('ScoreboardFile', '/tmp/sb', 'link')]},
    [warning('not-started-for-file', fileAt('ScoreboardFile', '/tmp/sb', 'link'), {mend: {}})]],
  ['a log of messages in /tmp',
    {configuration: configuration([...WORKING, 'MessageLog /tmp/m.log']), files: [fileAt('MessageLog', '/tmp/m.log', 'shared')]},
    [warning('message-log', fileAt('MessageLog', '/tmp/m.log', 'shared'), {at: 8, mend: {edits: [replace(line(8), 'MessageLog /var/log/proftpd/m.log')], commands: ['mkdir -p -m 755 /var/log/proftpd'], restart: true}})]],
  ['a log of messages whose directory is missing',
    {configuration: configuration([...WORKING, 'MessageLog /n/m.log']), files: [fileAt('MessageLog', '/n/m.log', 'missing')]},
    [warning('message-log', fileAt('MessageLog', '/n/m.log', 'missing'), {at: 8, mend: {commands: ['mkdir -p -m 755 /n'], restart: true}})]],
  ['a configuration written since',
    {configuration: configuration(WORKING, {newest: {file: FILE, at: 1_001_001}})},
    [fault('configuration-newer', {file: '/etc/proftpd.conf'}, {mend: {restart: true}})]],
  ['a configuration written as it started',
    {configuration: configuration(WORKING, {newest: {file: FILE, at: 1_001_000}})},
    []],
  ['a configuration written before its restart',
    {configuration: configuration(WORKING, {newest: {file: FILE, at: 1_002_000}}), daemon: {...GOOD.daemon, dialect: 'json', restartedAt: 1_001_000} as Facts['daemon']},
    [ok('running', {pid: 812, dialect: 'json', configuration: '/etc/proftpd.conf'})]],
  ['stopped by a signal', {daemon: {...GOOD.daemon, isSuspended: true} as Facts['daemon']},
    [fault('suspended', {pid: 812}, {mend: {commands: ['kill -CONT 812']}})]],
  ['a condition that nobody can decide',
    {configuration: configuration(WORKING, {undecided: {text: '<IfDefine X>', at: line(1)}})},
    [fault('configuration-undecided', {condition: '<IfDefine X>'}, {at: 1})]],
  ['built without controls', {program: {...GOOD.program!, controls: false}},
    [fault('no-controls', {program: '/usr/sbin/proftpd'})]],
  ['ControlsEngine off', {configuration: configuration([...WORKING, 'ControlsEngine off'])},
    [fault('controls-off', {}, {at: 8, mend: {edits: [replace(line(8), 'ControlsEngine on')], restart: true}})]],
  ['a socket nobody knows', {socket: {kind: 'unknown', why: 'why'}}, [fault('socket-unknown', {why: 'why'})]],
  ['a socket that is gone',
    {configuration: configuration(WORKING), socket: {kind: 'missing', path: '/run/proftpd.sock', directory: '/run', hasDirectory: true}},
    [fault('socket-missing', {path: '/run/proftpd.sock'}, {at: 2, mend: {restart: true}})]],
  ['a socket whose directory is missing',
    {socket: {kind: 'missing', path: '/run/p/proftpd.sock', directory: '/run/p', hasDirectory: false}},
    [fault('socket-no-directory', {path: '/run/p/proftpd.sock', directory: '/run/p'}, {at: 2, mend: {commands: ['mkdir -p -m 755 /run/p', "[ ! -d /etc/tmpfiles.d ] || echo 'd /run/p' >>/etc/tmpfiles.d/proftpd.conf"], restart: true}})]],
  ['a socket on which nobody listens', {socket: {kind: 'stale', path: '/run/proftpd.sock'}},
    [fault('socket-stale', {path: '/run/proftpd.sock'}, {mend: {restart: true}})]],
  ['a socket in another mount namespace',
    {socket: {kind: 'elsewhere', path: '/run/proftpd.sock', prefix: 'nsenter -t 812 -m'}},
    [fault('socket-elsewhere', {path: '/run/proftpd.sock'}, {at: 2, mend: {prefix: 'nsenter -t 812 -m'}})]],
  ['a socket that lets nobody in',
    {socket: {kind: 'forbidden', path: '/run/proftpd.sock', what: '/run/proftpd.sock'}},
    [fault('socket-forbidden', {path: '/run/proftpd.sock', what: '/run/proftpd.sock', user: 'dave'}, {mend: {commands: ['chmod a+rwx /run/proftpd.sock']}})]],
  ['a directory that lets nobody through',
    {socket: {kind: 'forbidden', path: '/run/p/proftpd.sock', what: '/run/p'}},
    [fault('socket-forbidden', {path: '/run/p/proftpd.sock', what: '/run/p', user: 'dave'}, {mend: {commands: ['chmod a+x /run/p']}})]],
  ['another socket, where one is at the usual place',
    {socket: {kind: 'there', path: '/run/other one.sock', taken: '/run/proftpd.sock', privateTmp: null}},
    [ok('socket', {path: '/run/other one.sock'}),
     fault('socket-not-found', {path: '/run/other one.sock', taken: '/run/proftpd.sock'}, {mend: {prefix: "env FTPDCTL_SOCKET='/run/other one.sock'"}})]],
  ['another socket, and none at the usual place',
    {socket: {kind: 'there', path: '/run/other.sock', taken: null, privateTmp: null}},
    [ok('socket', {path: '/run/other.sock'}),
     fault('socket-not-found', {path: '/run/other.sock', taken: null}, {mend: {prefix: 'env FTPDCTL_SOCKET=/run/other.sock'}})]],
  ['a /tmp of its own', {socket: {kind: 'there', path: '/run/proftpd.sock', privateTmp: 812}},
    [fault('private-tmp', {pid: 812, version: '1.3.8'}, {mend: {prefix: 'nsenter -t 812 -m'}})]],
  ['no ControlsSocketACL, which lets nobody in from 1.3.10 on',
    {configuration: configuration(WORKING.filter((each) => !each.startsWith('ControlsSocketACL')), {version: '1.3.10'})},
    [fault('connect-denied', {user: 'dave', group: 'dave'}, {mend: {edits: [append(FILE, 'ControlsSocketACL allow user dave')], restart: true}}),
     note('access', {connect: 'no one', msg: 'no one', you: false, root: false}),
     note('acl', {message: 'no ControlsSocketACL is set, so no one may connect (ProFTPD up to 1.3.9b and 1.3.10rc2 lets everybody in)'})]],
  ['ControlsSocketACL of a group',
    {configuration: configuration(WORKING.map((l) => l.replace(/^ControlsSocketACL.*/, 'ControlsSocketACL allow group alice')))},
    [fault('connect-denied', {user: 'dave', group: 'dave'}, {at: 4, mend: {edits: [replace(line(4), 'ControlsSocketACL allow group alice,dave')], restart: true}}),
     note('access', {connect: 'group alice', msg: 'user dave with primary group alice', you: false, root: false})]],
  ['MessageControlsACLs that deny',
    {configuration: configuration(WORKING.map((l) => l.replace(/^MessageControlsACLs.*/, 'MessageControlsACLs all deny user dave')))},
    [fault('msg-denied', {user: 'dave', group: 'dave'}, {at: 5, mend: {edits: [replace(line(5), 'MessageControlsACLs all allow user *')], restart: true}}),
     note('access', {connect: 'user dave', msg: 'no one', you: false, root: false})]],
  ['MessageControlsACLs of a group',
    {configuration: configuration(WORKING.map((l) => l.replace(/^MessageControlsACLs.*/, 'MessageControlsACLs all allow group alice')))},
    [fault('msg-denied', {user: 'dave', group: 'dave'}, {at: 5, mend: {edits: [append(FILE, 'MessageControlsACLs all allow user dave')], restart: true}}),
     note('access', {connect: 'user dave', msg: 'user dave with primary group alice', you: false, root: false})]],
  ['a list of nobody', {configuration: configuration([...WORKING, 'ControlsACLs all allow user nosuch'])},
    [note('acl', {message: 'no such user: nosuch, dropped'}, {at: 8}),
     note('acl', {message: "'ControlsACLs all allow user nosuch' allows no one: it names no user there is"}, {at: 8})]],
  ['a mod_msg that is loaded, and not there',
    {configuration: configuration(WORKING, {missingModules: [loadLine('mod_msg.c')]})},
    [fault('msg-not-installed', {packages: 'apt'}, {at: 1, mend: {commands: ['apt-get install -y proftpd-mod-msg'], restart: true}})]],
  ['no mod_msg, not running', {...STOPPED, configuration: configuration(WORKING.slice(1))},
    [fault('msg-not-loaded', {}, {mend: {edits: [{action: 'insert', file: FILE, line: 0, lines: ['LoadModule mod_msg.c']}]}}),
     fault('not-running', {others: []}, {mend: {commands: ['systemctl start proftpd']}})]],
  ['no mod_msg, and nobody knows where modules are',
    {configuration: configuration(WORKING.slice(1), {hasMsgFile: null})},
    [fault('msg-not-loaded', {}, {mend: {edits: [{action: 'insert', file: FILE, line: 0, lines: ['LoadModule mod_msg.c']}], restart: true}})]],
  ['MessageEngine off',
    {configuration: configuration([...WORKING.slice(0, 6), 'ServerName x', 'Port 2121', 'MessageEngine off'])},
    [fault('engine-off', {server: 'x, port 2121', all: true}, {at: 9, mend: {edits: [replace(line(9), 'MessageEngine on')], restart: true}})]],
  ['no MessageEngine', {configuration: configuration([...WORKING.slice(0, 6), 'ServerName x'])},
    [fault('engine-off', {server: 'x, port 21', all: true}, {at: 7, mend: {edits: [append(FILE, '<Global>', '  MessageEngine on', '</Global>')], restart: true}})]],
  ['no MessageQueue', {queue: {kind: 'unset'}},
    [fault('queue-unset', {}, {mend: {edits: [append(FILE, 'MessageQueue /etc/proftpd/message-queue')], commands: ['mkdir -p /etc/proftpd', 'touch /etc/proftpd/message-queue'], restart: true}})]],
  ['no MessageQueue, of no configuration', {queue: {kind: 'unset'}, configuration: {kind: 'unknown', why: 'why'}},
    [fault('configuration-unknown', {why: 'why'}),
     ok('running', {pid: 812, dialect: 'binary', configuration: null}),
     fault('queue-unset', {}, {mend: {commands: ['mkdir -p /etc/proftpd', 'touch /etc/proftpd/message-queue'], restart: true}})]],
  ['a queue nobody may see', {queue: {kind: 'unknown', why: 'why'}}, [warning('queue-unknown', {why: 'why'})]],
  ['a queue whose directory is missing', {queue: {kind: 'no directory', path: '/a b/q', directory: '/a b'}},
    [fault('queue-no-directory', {path: '/a b/q', directory: '/a b'}, {at: 6, mend: {commands: ["mkdir -p -m 755 '/a b'"], restart: true}})]],
  ['a queue that is gone', {queue: {kind: 'missing', path: '/etc/queue', isSure: true}},
    [fault('queue-missing', {path: '/etc/queue'}, {at: 6, mend: {restart: true}})]],
  ['a queue of a file that may be another now', {queue: {kind: 'missing', path: '/etc/queue', isSure: false}},
    [fault('queue-missing', {path: '/etc/queue'}, {at: 6, mend: {restart: true}})]],
  ['a queue of another user', {queue: {kind: 'foreign', path: '/etc/queue', uid: 4002, key: '0x12'}},
    [fault('queue-foreign', {path: '/etc/queue', uid: 4002}, {at: 6, mend: {commands: ['ipcrm -Q 0x12'], restart: true}})]],
  ['a queue in another IPC namespace', {queue: {kind: 'elsewhere', prefix: 'nsenter -t 812 -i'}},
    [warning('queue-elsewhere', {}, {mend: {prefix: 'nsenter -t 812 -i'}})]],
  ['a full queue', {queue: {...GOOD.queue, bytes: 16000, isFull: true} as Facts['queue']},
    [fault('queue-full', {path: '/etc/queue', bytes: 16000, capacity: 16384}, {at: 6, mend: {restart: true}})]],
  ['messages for processes that have ended', {queue: {...GOOD.queue, leftovers: 3} as Facts['queue']},
    [note('queue-leftovers', {messages: 3})]],
  ['1.3.8 that has read its configuration again',
    {daemon: {...GOOD.daemon, restartedAt: 2_000_000} as Facts['daemon']},
    [fault('queue-lost', {version: '1.3.8'}, {mend: {restart: true}})]],
  ['ScoreboardFile none',
    {scoreboard: {kind: 'off'}, configuration: configuration([...WORKING, 'ScoreboardFile none'])},
    [fault('scoreboard-off', {}, {at: 8, mend: {edits: [replace(line(8), 'ScoreboardFile /run/proftpd.scoreboard')], restart: true}})]],
  ['ScoreboardFile none, and no other known',
    {program: null, scoreboard: {kind: 'off'}, configuration: configuration([...WORKING, 'ScoreboardFile none'])},
    [fault('scoreboard-off', {}, {at: 8, mend: {edits: [replace(line(8), 'ScoreboardFile /run/proftpd.scoreboard')], restart: true}})]],
  ['a scoreboard that was removed', {scoreboard: {kind: 'lost', path: '/run/s', why: 'why', isSure: true}},
    [fault('scoreboard-lost', {path: '/run/s', why: 'why'}, {mend: {restart: true}})]],
  ['a scoreboard nobody may read', {scoreboard: {kind: 'unreadable', why: 'why'}},
    [warning('scoreboard-unreadable', {why: 'why'})]],
  ['root', {direct: {kind: 'possible'}}, [ok('direct', {})]],
  ['a slow poll',
    {configuration: configuration(WORKING.map((l) => l.replace(/^ControlsInterval.*/, 'ControlsInterval 5')))},
    [note('interval', {seconds: 5, timeout: 30}, {at: 3, mend: {edits: [replace(line(3), 'ControlsInterval 1')], restart: true}})]],
  ['the default poll', {configuration: configuration(WORKING.filter((l) => !/^ControlsInterval/.test(l)))},
    [note('interval', {seconds: 10, timeout: 30}, {mend: {edits: [append(FILE, 'ControlsInterval 1')], restart: true}})]],
  ['a poll for which nobody waits',
    {configuration: configuration(WORKING.map((l) => l.replace(/^ControlsInterval.*/, 'ControlsInterval 30')))},
    [fault('interval', {seconds: 30, timeout: 30}, {at: 3, mend: {edits: [replace(line(3), 'ControlsInterval 1')], restart: true}})]],
  ['a poll that somebody waits for',
    {timeout: 61_000, configuration: configuration(WORKING.map((l) => l.replace(/^ControlsInterval.*/, 'ControlsInterval 60')))},
    [note('interval', {seconds: 60, timeout: 61}, {at: 3, mend: {edits: [replace(line(3), 'ControlsInterval 1')], restart: true}})]],
  ['it says yes', {probe: {kind: 'accepted', milliseconds: 900}}, [ok('probe-accepted', {milliseconds: 900})]],
  ['it says no', {probe: {kind: 'denied', line: 'access denied'}},
    [fault('probe-denied', {line: 'access denied'})]],
  ['it knows no messages', {probe: {kind: 'unsupported', line: 'what?'}},
    [fault('probe-unsupported', {line: 'what?'})]],
  ['it says nothing', {probe: {kind: 'failed', why: 'no answer'}}, [fault('probe-failed', {why: 'no answer'})]],
];

test.each(FOUND)('%s', (_what, changes, expected) => {
  const {works, findings} = diagnose({...GOOD, ...changes});
  const told = findings.filter((each) => !RIGHT.some((right) => isDeepStrictEqual(right, each)));
  expect(told).toEqual(expected);
  expect(works).toBe(!expected.some(({level}) => level === 'fault'));
});

describe('what keeps others from sending is no fault of whoever sends directly', () => {
  const direct = {kind: 'possible'} as const;

  test.each<[string, Partial<Facts>]>([
    ['socket-stale', {socket: {kind: 'stale', path: '/run/proftpd.sock'}}],
    ['queue-full', {queue: {...GOOD.queue, isFull: true} as Facts['queue']}],
    ['suspended', {daemon: {...GOOD.daemon, isSuspended: true} as Facts['daemon']}],
  ])('%s', (code, changes) => {
    expect(found(changes)).toEqual({works: false, via: null, codes: [`fault ${code}`]});
    expect(found({...changes, direct})).toEqual({works: true, via: 'direct', codes: [`warning ${code}`]});
  });

  test.each<[string, Partial<Facts>]>([
    ['msg-not-loaded', {configuration: configuration(WORKING.slice(1))}],
    ['queue-lost', {daemon: {...GOOD.daemon, restartedAt: 2_000_000} as Facts['daemon']}],
    ['scoreboard-lost', {scoreboard: {kind: 'lost', path: '/run/s', why: 'why', isSure: true}}],
  ])('but %s is', (code, changes) => {
    expect(found({...changes, direct})).toMatchObject({works: false, codes: [`fault ${code}`]});
  });
});

test('a newer version may have taken its restart well', () => {
  const daemon = {...GOOD.daemon, dialect: 'json', restartedAt: 2_000_000} as Facts['daemon'];
  expect(found({daemon})).toEqual({works: true, via: 'controls', codes: []});
});

test('what nobody can say, the daemon can', () => {
  const changes = {configuration: configuration(WORKING, {newest: {file: FILE, at: 1_002_000}})};
  expect(found({...changes, probe: {kind: 'accepted', milliseconds: 900}})).toMatchObject({
    works: true,
    via: 'controls',
  });
});

describe('what the daemon has answered', () => {
  const probe = {kind: 'accepted', milliseconds: 900} as const;

  test('counts for more than the lists of a file that may be another', () => {
    const lines = WORKING.map((line) => line.replace('allow user dave', 'allow user alice'));
    expect(found({configuration: configuration(lines), probe})).toMatchObject({works: true, codes: []});
  });

  test.each<[string, Partial<Facts>]>([
    ['queue-missing', {queue: {kind: 'missing', path: '/etc/queue', isSure: false}}],
    ['scoreboard-lost', {scoreboard: {kind: 'lost', path: '/run/s', why: 'why', isSure: false}}],
  ])('says nothing of %s', (code, changes) => {
    expect(found({...changes, probe})).toMatchObject({works: false, codes: [`fault ${code}`]});
  });
});

describe('MessageEngine', () => {
  const hosts = (...inside: string[]) => [
    '<VirtualHost 192.0.2.1>',
    'ServerName other',
    ...inside,
    '</VirtualHost>',
  ];

  test.each<[string, string[], string[]]>([
    ['off where a line says so, while others are on', hosts('MessageEngine off'), ['warning engine-off']],
    ['off where nothing is said', hosts(), ['fault engine-off']],
    ['of a server that does not listen', hosts('Port 0'), []],
    ['by <Global>', [...hosts(), '<Global>', 'MessageEngine on', '</Global>'], []],
  ])('%s', (_what, lines, codes) => {
    expect(found({configuration: configuration([...WORKING, ...lines])}).codes).toEqual(codes);
  });
});

describe('the lines to write', () => {
  const connecting = (line: string) => {
    const lines = WORKING.map((each) => (each.startsWith('ControlsSocketACL') ? line : each));
    return mendOf('connect-denied', {configuration: configuration(lines)})?.edits;
  };

  test.each([
    ['allow user alice', 'allow user alice,dave'],
    ['allow user "alice, bob"', 'allow user alice,bob,dave'],
    ['ALLOW group alice', 'allow group alice,dave'],
    ['deny user dave,bob', 'deny user bob'],
    ['deny user dave', 'allow user *'],
    ['deny user *', 'allow user dave'],
  ])('ControlsSocketACL %s: %s', (before, after) => {
    const lines = [`ControlsSocketACL ${after}`];
    expect(connecting(`ControlsSocketACL ${before}`)).toEqual([
      {action: 'replace', file: FILE, line: 4, lines},
    ]);
  });

  test('a list of users is added where there is one of groups', () => {
    const lines = WORKING.map((line) =>
      line.replace(/^MessageControlsACLs.*/, 'MessageControlsACLs all allow group alice'),
    );
    const added = ['MessageControlsACLs all allow user dave'];
    expect(mendOf('msg-denied', {configuration: configuration(lines)})?.edits).toEqual([
      {action: 'append', file: FILE, lines: added},
    ]);
  });

  test('a name in a configuration that is not trusted does nothing to a shell', () => {
    const socket: Facts['socket'] = {
      kind: 'missing',
      path: "/run/$(reboot)/it's",
      directory: "/run/$(reboot) 'x'",
      hasDirectory: false,
    };
    expect(mendOf('socket-no-directory', {socket})?.commands).toEqual([
      "mkdir -p -m 755 '/run/$(reboot) '\\''x'\\'''",
    ]);
  });

  test.each([
    '/run/proftpd',
    '/var/run/proftpd',
  ])('a directory in %s outlives the start of the machine', (directory) => {
    const socket: Facts['socket'] = {
      kind: 'missing',
      path: `${directory}/sock`,
      directory,
      hasDirectory: false,
    };
    expect(mendOf('socket-no-directory', {socket})?.commands).toEqual([
      `mkdir -p -m 755 ${directory}`,
      "[ ! -d /etc/tmpfiles.d ] || echo 'd /run/proftpd' >>/etc/tmpfiles.d/proftpd.conf",
    ]);
  });

  test('a module comes after the line that says where modules are', () => {
    const lines = ['ServerName x', 'ModulePath /opt/modules', ...WORKING.slice(1)];
    expect(mendOf('msg-not-loaded', {configuration: configuration(lines)})?.edits).toEqual([
      {action: 'insert', file: FILE, line: 2, lines: [LOADED]},
    ]);
  });

  test.each([
    ['apt', ['apt-get install -y proftpd-mod-msg']],
    ['dnf', []],
    [null, []],
  ] as const)('what installs it: %s', (packages, commands) => {
    const changes = {packages, configuration: configuration(WORKING.slice(1), {hasMsgFile: false})};
    expect(mendOf('msg-not-installed', changes)).toMatchObject({commands, restart: true});
  });
});
