import {describe, expect, test} from 'vitest';
import {resolveAcls} from '../../src/lib/acl/resolve.ts';
import {loadSettings} from '../../src/lib/config/load.ts';
import {diagnose} from '../../src/lib/diagnosis/diagnose.ts';
import type {ConfigurationFacts, Facts} from '../../src/lib/diagnosis/facts.ts';
import type {FindingCode} from '../../src/lib/diagnosis/findings.ts';
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
  const loaded = loadSettings(memorySource({[FILE]: lines.join('\n')}), FILE, {modules: ['mod_core.c']});
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

test('nothing is wrong where everything works', () => {
  expect(found({})).toEqual({works: true, via: 'controls', codes: []});
});

const STOPPED: Partial<Facts> = {
  daemon: {kind: 'stopped', start: 'systemctl start proftpd', others: []},
  socket: {kind: 'none'},
  queue: {kind: 'none'},
  scoreboard: {kind: 'none'},
};

test.each<[string, Partial<Facts>, string[]]>([
  ['not installed', {...STOPPED, program: null}, ['fault not-installed', 'fault not-running']],
  ['not running', STOPPED, ['fault not-running']],
  [
    'in another pid namespace',
    {...STOPPED, daemon: {kind: 'elsewhere', pid: 9, prefix: 'nsenter -t 9 -p'}},
    ['fault elsewhere'],
  ],
  ['of another user', {...STOPPED, daemon: {kind: 'untrusted', pid: 9, why: 'why'}}, ['fault untrusted']],
  [
    'a configuration with a fault',
    {configuration: {kind: 'broken', file: FILE, at: {file: FILE, line: 3}, problem: 'what'}},
    ['fault configuration-broken'],
  ],
  ['no configuration', {configuration: {kind: 'unknown', why: 'why'}}, ['fault configuration-unknown']],
  [
    'a configuration written since',
    {configuration: configuration(WORKING, {newest: {file: FILE, at: 1_002_000}})},
    ['fault configuration-newer'],
  ],
  [
    'a condition that nobody can decide',
    {configuration: configuration(WORKING, {undecided: {text: '<IfDefine X>', at: {file: FILE, line: 1}}})},
    ['fault configuration-undecided'],
  ],
  [
    'stopped by a signal',
    {daemon: {...GOOD.daemon, isSuspended: true} as Facts['daemon']},
    ['fault suspended'],
  ],
  [
    'a queue of another file',
    {queue: {kind: 'missing', path: '/etc/queue', isSure: false}},
    ['fault queue-missing'],
  ],
  [
    'a scoreboard that was removed',
    {scoreboard: {kind: 'lost', path: '/run/s', why: 'why', isSure: true}},
    ['fault scoreboard-lost'],
  ],
  ['built without controls', {program: {...GOOD.program!, controls: false}}, ['fault no-controls']],
  [
    'a /tmp of its own',
    {socket: {kind: 'there', path: '/run/proftpd.sock', privateTmp: 812}},
    ['fault private-tmp'],
  ],
  [
    'no ControlsSocketACL from 1.3.10 on',
    {
      configuration: configuration(
        WORKING.filter((line) => !line.startsWith('ControlsSocketACL')),
        {version: '1.3.10'},
      ),
    },
    ['fault connect-denied'],
  ],
  [
    'a module that is not there',
    {configuration: configuration(WORKING.slice(1), {hasMsgFile: false})},
    ['fault msg-not-installed'],
  ],
  [
    'another socket',
    {socket: {kind: 'there', path: '/run/other.sock', taken: '/run/proftpd.sock', privateTmp: null}},
    ['fault socket-not-found'],
  ],
  [
    'a scoreboard nobody may read',
    {scoreboard: {kind: 'unreadable', why: 'why'}},
    ['warning scoreboard-unreadable'],
  ],
  [
    'others may write it',
    {configuration: configuration(WORKING, {exposed: [FILE]})},
    ['warning configuration-exposed'],
  ],
  ['it says no', {probe: {kind: 'denied', line: 'access denied'}}, ['fault probe-denied']],
  ['it knows no messages', {probe: {kind: 'unsupported', line: 'what?'}}, ['fault probe-unsupported']],
  ['it says nothing', {probe: {kind: 'failed', why: 'no answer'}}, ['fault probe-failed']],
])('%s', (_what, changes, codes) => {
  const {works, codes: told} = found(changes);
  expect(told).toEqual(codes);
  expect(works).toBe(!codes.some((code) => code.startsWith('fault')));
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
