import {existsSync, readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {defaultConfig} from '../../src/lib/cli/serve/configuration.ts';
import {classOf} from '../../src/lib/config/classes.ts';
import {loadSettings} from '../../src/lib/config/load.ts';
import {systemConfigSource} from '../../src/lib/transport/files/configSource.ts';
import {memorySource} from './memorySource.ts';

const FILE = '/d/t.conf';
const load = (text: string) => loadSettings(memorySource({[FILE]: text, '/var/log/proftpd/': ''}), FILE);

test('defaults, and that nothing said them', () => {
  const byDefault = <T>(value: T) => ({value, at: null});
  expect(load('').settings).toEqual({
    main: {
      name: byDefault('ProFTPD'),
      addresses: byDefault([]),
      port: byDefault(21),
      engine: byDefault(false),
    },
    virtualHosts: [],
    classes: [],
    controls: {
      engine: byDefault(true),
      socket: byDefault(null),
      owner: byDefault(null),
      maxClients: byDefault(5),
      interval: byDefault(10),
      authFreshness: byDefault(10),
      log: byDefault(null),
    },
    message: {queue: byDefault(null), log: byDefault(null)},
    acls: [],
    scoreboardFile: byDefault(null),
    allowLogSymlinks: byDefault(false),
    maxInstances: byDefault(null),
    serverType: byDefault('standalone'),
  });
});

test('every setting, with the line it comes from', () => {
  const {settings, warnings, skipped} = load(`ServerName "The FTP server"
DefaultAddress 192.0.2.1 ftp.example.org
Port 2100
AllowLogSymlinks on
ControlsEngine off
ControlsSocket /run/x.sock
ControlsSocketOwner ftp admins
ControlsMaxClients 7
ControlsInterval 5s
ControlsAuthFreshness 99999999999
ControlsLog /var/log/proftpd/controls.log
MessageLog none
MessageQueue "/var/q u"
<Global>
  Port 2200
  MessageEngine on
</Global>
<VirtualHost 192.0.2.2 192.0.2.3>
  ServerName second
  Port 2300
  MessageEngine off
</VirtualHost>
<VirtualHost 192.0.2.4>
</VirtualHost>
ScoreboardFile /run/x.scoreboard
MaxInstances 30
ServerType Inetd
`);
  const at = (line: number) => ({file: FILE, line});
  expect([warnings, skipped]).toEqual([[], []]);
  expect(settings).toEqual({
    main: {
      name: {value: 'The FTP server', at: at(1)},
      addresses: {value: ['192.0.2.1', 'ftp.example.org'], at: at(2)},
      port: {value: 2100, at: at(3)},
      engine: {value: true, at: at(16)},
    },
    virtualHosts: [
      {
        name: {value: 'second', at: at(19)},
        addresses: {value: ['192.0.2.2', '192.0.2.3'], at: at(18)},
        port: {value: 2300, at: at(20)},
        engine: {value: false, at: at(21)},
      },
      {
        name: {value: 'ProFTPD', at: null},
        addresses: {value: ['192.0.2.4'], at: at(23)},
        port: {value: 2200, at: at(15)},
        engine: {value: true, at: at(16)},
      },
    ],
    classes: [],
    controls: {
      engine: {value: false, at: at(5)},
      socket: {value: '/run/x.sock', at: at(6)},
      owner: {value: {user: 'ftp', group: 'admins'}, at: at(7)},
      maxClients: {value: 7, at: at(8)},
      interval: {value: 5, at: at(9)},
      authFreshness: {value: 2147483647, at: at(10)},
      log: {value: '/var/log/proftpd/controls.log', at: at(11)},
    },
    message: {queue: {value: '/var/q u', at: at(13)}, log: {value: null, at: at(12)}},
    acls: [],
    allowLogSymlinks: {value: true, at: at(4)},
    scoreboardFile: {value: '/run/x.scoreboard', at: at(25)},
    maxInstances: {value: 30, at: at(26)},
    serverType: {value: 'inetd', at: at(27)},
  });
});

test('ACL directives in file order, as read', () => {
  const {acls} = load(`controlsacls "lsctrl, insctrl,help" allow   user   a,b c # not d
MessageControlsACLs ALL deny group ""
ControlsSocketACL ALLOW User *`).settings;
  expect(acls).toEqual([
    {
      directive: 'ControlsACLs',
      actions: ['insctrl', 'lsctrl'],
      effect: 'allow',
      kind: 'user',
      list: 'a,b',
      surplus: ['c'],
      at: {file: FILE, line: 1},
      text: 'controlsacls "lsctrl, insctrl,help" allow user a,b c',
    },
    {
      directive: 'MessageControlsACLs',
      actions: ['msg'],
      effect: 'deny',
      kind: 'group',
      list: '',
      surplus: [],
      at: {file: FILE, line: 2},
      text: 'MessageControlsACLs ALL deny group ""',
    },
    {
      directive: 'ControlsSocketACL',
      actions: [],
      effect: 'allow',
      kind: 'user',
      list: '*',
      surplus: [],
      at: {file: FILE, line: 3},
      text: 'ControlsSocketACL ALLOW User *',
    },
  ]);
});

test('the example of the mod_msg manual, which does not close its section, is read as it stands', () => {
  const text = readFileSync(new URL('fixtures/mod_msg_example.conf', import.meta.url), 'utf8');
  const {settings, warnings, skipped} = load(text);
  expect(settings.main.engine).toEqual({value: true, at: {file: FILE, line: 2}});
  expect(settings.message).toEqual({
    log: {value: '/var/log/ftpd/msg.log', at: {file: FILE, line: 3}},
    queue: {value: '/var/ftpd/msg.queue', at: {file: FILE, line: 4}},
  });
  expect(settings.acls.map(({text}) => text)).toEqual(['MessageControlsACLs msg allow user *']);
  expect(skipped).toEqual([]);
  expect(warnings).toEqual([
    {at: {file: FILE, line: 1}, message: '<IfModule> is not closed by the end of the file'},
  ]);
});

const DEBIAN = '/etc/proftpd/proftpd.conf';

describe.skipIf(!existsSync(DEBIAN))('a configuration as Debian ships it, with the lines of mod_msg', () => {
  const example = readFileSync(new URL('fixtures/mod_msg_example.conf', import.meta.url), 'utf8');

  test('works unchanged', () => {
    const text = `${readFileSync(DEBIAN, 'utf8')}\n${example}\n</IfModule>\n`;
    const source = {
      ...systemConfigSource,
      read: (path: string) => (path === DEBIAN ? text : systemConfigSource.read(path)),
    };
    const {settings, warnings, skipped} = loadSettings(source, DEBIAN);
    expect(warnings).toEqual([]);
    expect(settings.main.name.value).toBe('Debian');
    expect(settings.controls).toMatchObject({
      engine: {value: false},
      maxClients: {value: 2},
      interval: {value: 5},
      socket: {value: '/var/run/proftpd/proftpd.sock'},
      log: {value: '/var/log/proftpd/controls.log'},
    });
    expect(settings.main.engine.value).toBe(true);
    expect(settings.message.queue.value).toBe('/var/ftpd/msg.queue');
    expect(new Set(skipped.map(({name}) => name))).toContain('LoadModule');
    expect(new Set(skipped.map(({at}) => at.file))).toContain('/etc/proftpd/modules.conf');
  });
});

describe('the embedded configuration', () => {
  test('is what a reader of it expects', () => {
    const text = defaultConfig({runtimeDirectory: '/run/user/1000/ftpdctl', user: 'dave'});
    const {settings, warnings, skipped} = load(text);
    expect([warnings, skipped]).toEqual([[], []]);
    expect(settings).toMatchObject({
      main: {addresses: {value: ['127.0.0.1']}, port: {value: 2121}, engine: {value: true}},
      controls: {engine: {value: true}, socket: {value: '/run/user/1000/ftpdctl/ftpdctl.sock'}},
      message: {queue: {value: '/run/user/1000/ftpdctl/msg.queue'}, log: {value: null}},
    });
    expect(
      ['127.0.0.1', '::1', '127.0.1.7', '127.0.2.7', '127.0.3.7'].map((each) =>
        classOf(settings.classes, each),
      ),
    ).toEqual(['local', 'local', 'staff', 'guests', null]);
    expect(settings.acls.map(({text}) => text)).toEqual([
      'ControlsSocketACL allow user dave',
      'ControlsACLs all allow user dave',
      'AdminControlsACLs all allow user dave',
      'MessageControlsACLs all allow user dave',
    ]);
  });

  test('takes any path and port', () => {
    const text = defaultConfig({runtimeDirectory: '/a "b" \\c/#d', user: 'dave', port: 2525});
    expect(load(text).settings.controls.socket.value).toBe('/a "b" \\c/#d/ftpdctl.sock');
    expect(load(text).settings.main.port.value).toBe(2525);
  });
});

test.each(['both', ''])('ServerType %s is no type', (word) => {
  expect(() => load(`ServerType ${word}`)).toThrow(/^\S+:1: ServerType: /);
});

test.each<[string, string | null]>([
  ['/run/s', '/run/s'],
  ['none', null],
  ['off', null],
])('ScoreboardFile %s', (word, value) => {
  expect(load(`ScoreboardFile ${word}`).settings.scoreboardFile).toEqual({value, at: {file: FILE, line: 1}});
});

test('AllowLogSymlinks in <Global> counts where the main server says nothing', () => {
  const inGlobal = '<Global>\nAllowLogSymlinks on\n</Global>';
  expect(load(inGlobal).settings.allowLogSymlinks).toEqual({value: true, at: {file: FILE, line: 2}});
  expect(load(`${inGlobal}\nAllowLogSymlinks off`).settings.allowLogSymlinks.value).toBe(false);
});

test('a class takes whom any of its rules takes, unless it says otherwise', () => {
  const satisfy = (...lines: string[]) =>
    load(`<Class a>\nFrom all\n${lines.join('\n')}\n</Class>`).settings.classes[0]!.satisfy;
  expect([satisfy(), satisfy('Satisfy ANY'), satisfy('Satisfy any', 'Satisfy all')]).toEqual([
    'any',
    'any',
    'all',
  ]);
});

test('a relative ScoreboardFile is refused', () => {
  expect(() => load('ScoreboardFile score')).toThrow('ScoreboardFile: expected an absolute path or off');
});

test('tells the modules that are loaded, the lines that load them, and the files that were read', () => {
  const text = [
    'ModulePath /opt/modules',
    'LoadModule mod_a.c',
    'Include /etc/more.conf',
    '<IfModule mod_msg.c>',
    'LoadModule mod_b.c',
    '</IfModule>',
  ];
  const source = memorySource({
    [FILE]: text.join('\n'),
    '/etc/more.conf': '<IfModule mod_a.c>\nLoadModule mod_c.c\n</IfModule>',
  });
  const {modules, moduleLines, files} = loadSettings(source, FILE, {modules: ['mod_core.c']});
  expect([...modules]).toEqual(['mod_core.c', 'mod_a.c', 'mod_c.c']);
  expect(moduleLines).toEqual([
    {kind: 'path', value: '/opt/modules', at: {file: FILE, line: 1}},
    {kind: 'load', value: 'mod_a.c', at: {file: FILE, line: 2}},
    {kind: 'load', value: 'mod_c.c', at: {file: '/etc/more.conf', line: 2}},
  ]);
  expect(files).toEqual([FILE, '/etc/more.conf']);
  // Without a list those are present that matter here most.
  expect(loadSettings(source, FILE).modules.has('mod_b.c')).toBe(true);
});

test.each<[string, number | null]>([
  ['none', null],
  ['NONE', null],
  ['5', 5],
  ['" 7"', 7],
])('MaxInstances %s', (word, value) => {
  expect(load(`MaxInstances 3\nMaxInstances ${word}`).settings.maxInstances.value).toBe(value);
});

test.each(['0', '-1', 'abc', '5x', '""'])('MaxInstances %s is refused, as ProFTPD 1.3.8 does', (word) => {
  expect(() => load(`MaxInstances ${word}`)).toThrow('expected a positive number or none');
});
