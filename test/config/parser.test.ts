import {describe, expect, test} from 'vitest';
import {ConfigError} from '../../src/lib/config/errors.ts';
import {type LoadedConfig, loadSettings} from '../../src/lib/config/load.ts';
import {parseVersion} from '../../src/lib/protocol/version.ts';
import {memorySource} from './memorySource.ts';

const FILE = '/d/t.conf';

function load(
  text: string,
  files: Record<string, string> = {},
  env: Record<string, string> = {},
): LoadedConfig {
  return loadSettings(memorySource({...files, [FILE]: text}, env), FILE);
}

/** What the directives that were not skipped over add up to: the interval shows which of them counted. */
function interval(text: string, files?: Record<string, string>): number {
  return load(text, files).settings.controls.interval.value;
}

function problem(text: string, files?: Record<string, string>): string {
  try {
    load(text, files);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('expected a ConfigError');
}

const warnings = (text: string, files?: Record<string, string>) =>
  load(text, files).warnings.map(({at, message}) => `${at.file}:${at.line}: ${message}`);

describe('conditions (measured on 1.3.8: 2 where the inside counts, else the default)', () => {
  test.each([
    ['<IfModule mod_msg.c>\nControlsInterval 2\n</IfModule>', 2],
    ['<ifmodule mod_msg.c>\nControlsInterval 2\n</IFMODULE>', 2],
    ['<IfModule "mod_msg.c" >\nControlsInterval 2\n</IfModule>', 2],
    ['<IfModule mod_msg>\nControlsInterval 2\n</IfModule>', 10],
    ['<IfModule MOD_MSG.C>\nControlsInterval 2\n</IfModule>', 10],
    ['<IfModule mod_tls.c>\nControlsInterval 2\n</IfModule>', 10],
    ['<IfModule !mod_tls.c>\nControlsInterval 2\n</IfModule>', 2],
    ['<IfModule ! mod_msg.c>\nControlsInterval 2\n</IfModule>', 2],
    ['<IfModule mod_tls.c mod_msg.c>\nControlsInterval 2\n</IfModule>', 10],
    ['<IfDefine NOPE>\nControlsInterval 2\n</IfDefine>', 10],
    ['<IfDefine !NOPE>\nControlsInterval 2\n</IfDefine>', 2],
    ['<IfModule mod_tls.c>\n<IfModule mod_msg.c>\n</IfModule>\nControlsInterval 2\n</IfModule>', 10],
    ['<IfDefine NOPE>\n<IfModule mod_msg.c>\n</IfDefine>\nControlsInterval 2', 2],
    ['<IfModule mod_tls.c>\n<IfDefine NOPE>\n</IfModule>\nControlsInterval 2', 2],
    ['<IfModule mod_tls.c>\n<Global>\nMessageEngine bogus\n</IfModule>\nControlsInterval 2', 2],
    ['<IfModule mod_tls.c>\n# </IfModule>\nControlsInterval 2\n</IfModule>', 10],
    ['<IfVersion >= 1.3.6>\nControlsInterval 2\n</IfVersion>', 10],
    ['<IfDefine !NOPE>\nControlsInterval 2\n</IfDefine x>', 2],
    ['<IfModule mod_tls.c>\n</IfModule x>\nControlsInterval 2\n</IfModule>', 10],
    ['<IfModule mod_dso.c>\nControlsInterval 2\n</IfModule>', 2],
    ['LoadModule mod_tls.c\n<IfModule mod_tls.c>\nControlsInterval 2\n</IfModule>', 2],
    ['loadmodule mod_tls.c\n<IfModule !mod_tls.c>\nControlsInterval 2\n</IfModule>', 10],
    ['<IfModule mod_tls.c>\nControlsInterval 2\n</IfModule>\nLoadModule mod_tls.c', 10],
    [
      '<IfModule mod_tls.c>\nLoadModule mod_tls.c\n</IfModule>\n<IfModule mod_tls.c>\nControlsInterval 2\n</IfModule>',
      10,
    ],
    ['Define NAME\n<IfDefine NAME>\nControlsInterval 2\n</IfDefine>', 2],
    ['define NAME value\n<IfDefine NAME>\nControlsInterval 2\n</IfDefine>', 2],
    ['Define NAME\n<IfDefine !NAME>\nControlsInterval 2\n</IfDefine>', 10],
    ['Define NAME\n<IfDefine name>\nControlsInterval 2\n</IfDefine>', 10],
    ['<Global>\nDefine NAME\n</Global>\n<IfDefine NAME>\nControlsInterval 2\n</IfDefine>', 2],
    ['<IfDefine NAME>\nControlsInterval 2\n</IfDefine>\nDefine NAME', 10],
    ['LoadModule\n<IfModule mod_tls.c>\nControlsInterval 2\n</IfModule>', 10],
    ['LoadModule mod_x.c mod_tls.c\n<IfModule mod_tls.c>\nControlsInterval 2\n</IfModule>', 10],
    ['ServerName mod_tls.c\n<IfModule mod_tls.c>\nControlsInterval 2\n</IfModule>', 10],
    ['<IfModule mod_tls.c>\n<IfModule>\n</IfModule>\nControlsInterval 2\n</IfModule>', 10],
  ])('%j', (text, expected) => {
    expect(interval(text)).toBe(expected);
  });

  test('a name may come from the environment', () => {
    const text = '<IfModule %{env:MODULE}>\nControlsInterval 2\n</IfModule>';
    expect(load(text, {}, {MODULE: 'mod_msg.c'}).settings.controls.interval.value).toBe(2);
  });

  test('an end that is missing, or one too many, is warned of where ProFTPD minds neither', () => {
    expect(warnings('<IfModule mod_msg.c>\nMessageEngine on')).toEqual([
      '/d/t.conf:1: <IfModule> is not closed by the end of the file',
    ]);
    expect(warnings('</IfModule>')).toEqual(['/d/t.conf:1: </IfModule> without a <IfModule>']);
    expect(warnings('<IfModule mod_ctrls.c>\n<IfModule mod_msg.c>\n</IfModule>\n</IfModule>')).toEqual([]);
    expect(warnings('<IfModule mod_msg.c>\n<IfDefine !NOPE>\n</IfModule>')).toEqual([
      '/d/t.conf:2: <IfDefine> is not closed by the end of the file',
    ]);
  });

  test('a section of an unknown module is skipped whole, with a warning', () => {
    const {warnings, skipped} = load('<IfUser x>\nMessageEngine bogus\n</IfUser>');
    expect(warnings[0]?.message).toBe('<IfUser> is of no module known here: all of it is skipped');
    expect(skipped).toEqual([]);
  });
});

describe('<IfVersion> as 1.3.8 decides it (measured)', () => {
  const decide = (words: string, assumed: boolean) => {
    const text = `LoadModule mod_ifversion.c\n<IfVersion ${words}>\nControlsInterval 2\n</IfVersion>`;
    const conditions = {version: parseVersion('1.3.8'), assumed};
    const {settings, undecided} = loadSettings(memorySource({[FILE]: text}), FILE, conditions);
    return [settings.controls.interval.value === 2, undecided.map((each) => each.text)];
  };

  test.each([
    ['>= 1.3.8', true],
    ['> 1.3.8', false],
    ['< 1.3.9', true],
    ['<= 1.3.8', true],
    ['= 1.3.8', true],
    ['== 1.3.8', true],
    ['1.3.8', true],
    ['"1.3.8"', true],
    ['1.3.9', false],
    ['!>= 1.3.9', true],
    ['!< 1.3.9', false],
    ['!= 1.3.8', false],
    ['> 1.3', true],
    ['= 1.3', false],
    ['< 1.4', true],
    ['> 1', true],
    ['<= 1.3', false],
    ['>= 1.3.10', false],
    ['< 1.3.10', true],
    ['>= 1.3.8rc1', true],
    ['> 1.3.8rc4', true],
  ])('%s: %s', (words, holds) => {
    for (const assumed of [false, true]) expect(decide(words, assumed)).toEqual([holds, []]);
  });

  // 1.3.8 is "= 1.3.8a" to it, and a pattern that does not match keeps it from starting.
  test.each([
    '< 1.3.8a',
    '= 1.3.8a',
    '> 1.3.8b',
    '~ ^1.3',
    '= /^1.3/',
    '=> 1.3.8',
    '1.3.8.1',
    'nonsense',
    '>= 1.3.8 x',
  ])('%s: nobody can say', (words) => {
    for (const assumed of [false, true]) {
      expect(decide(words, assumed)).toEqual([assumed, [`<IfVersion ${words}>`]]);
    }
  });

  test('of a version that is not known nobody can say either, and a warning tells', () => {
    const {undecided, warnings} = load('LoadModule mod_ifversion.c\n<IfVersion 1.3.8>\n</IfVersion>');
    expect(undecided).toEqual([{text: '<IfVersion 1.3.8>', kind: 'version', at: {file: FILE, line: 2}}]);
    expect(warnings.map(({message}) => message)).toEqual([
      '<IfVersion 1.3.8>: nobody can say whether it holds: taken for false',
    ]);
  });
});

describe('what only -D on the command line defines', () => {
  const TEXT = 'Define IN\n<IfDefine IN>\n<IfDefine !OUT>\nControlsInterval 2\n</IfDefine>\n</IfDefine>';

  test.each([
    [false, 2],
    [true, 10],
  ])('all defined: %s', (assumed, interval) => {
    const {settings, undecided} = loadSettings(memorySource({[FILE]: TEXT}), FILE, {assumed});
    expect(settings.controls.interval.value).toBe(interval);
    expect(undecided).toEqual([{text: '<IfDefine !OUT>', kind: 'define', at: {file: FILE, line: 3}}]);
  });
});

describe('sections', () => {
  test.each([
    ['</Global>', '1: </Global> without a <Global>'],
    ['<Global>\nMessageEngine on', '1: <Global> is not closed: expected </Global>'],
    ['<IfModule mod_tls.c>\nMessageEngine on', '1: <IfModule> is not closed'],
    ['<Global>\n</VirtualHost>', '2: expected </Global> (opened at /d/t.conf:1), found </VirtualHost>'],
    ['<Global>\n<VirtualHost 127.0.0.9>', '2: <VirtualHost> is not allowed in <Global>'],
    ['<VirtualHost 127.0.0.9>\n<VirtualHost 127.0.0.8>', '2: <VirtualHost> is not allowed in <VirtualHost>'],
    ['<VirtualHost 127.0.0.9>\n<Class a>', '2: <Class> is not allowed in <VirtualHost>'],
    ['<Class a>\n<Class b>', '2: <Class> is not allowed in <Class>'],
    ['<Limit ALL>\n<Limit LOGIN>', '2: <Limit> is not allowed in <Limit>'],
    ['From 127.0.0.1', '1: From is not allowed in the server config, only in <Class>'],
    [
      '<Class a>\nMessageEngine on\n</Class>',
      '2: MessageEngine is not allowed in <Class>, only in the server config, <VirtualHost>, <Global>',
    ],
    ['<VirtualHost>', '1: <VirtualHost>: missing parameters'],
    ['<VirtualHost 300.1.1.1>\n</VirtualHost>', '1: <VirtualHost>: expected an IP address or a host name'],
    ['<Class>', '1: <Class>: missing parameters'],
    ['<Anonymous>', '1: <Anonymous>: missing parameters'],
    ['<Directory>', '1: <Directory>: missing parameters'],
    ['<Limit>', '1: <Limit>: missing parameters'],
    ['<IfModule>', '1: <IfModule>: missing parameters'],
    ['<Global> x', '1: <Global>: too many parameters'],
    ['<Global x>', '1: <Global>: too many parameters'],
    ['<Global>\n</Global x>', '2: </Global>: too many parameters'],
    ['<IfModule mod_msg.c>\n</IfModule x>', '2: </IfModule>: too many parameters, expected none'],
    ['</IfModule x>', '1: </IfModule>: too many parameters, expected none'],
    ['<VirtualHost 127.0.0.9', "1: expected '>' at the end of the line that begins with '<VirtualHost'"],
    ['<IfModule # x>', "1: expected '>' at the end of the line"],
    ['<Global', "1: expected '>' at the end of the line that begins with '<Global'"],
    ['<>', "1: expected the name of a section right after '<'"],
    ['</>', "1: expected the name of a section right after '</'"],
    ['< IfModule mod_msg.c >', "1: expected the name of a section right after '<'"],
    ['<Class a>\nFrom all\nSatisfy some\n</Class>', "3: Satisfy: expected any or all, not 'some'"],
  ])('%j is refused', (text, expected) => {
    expect(problem(`${text}\n`)).toContain(`/d/t.conf:${expected}`);
  });

  test.each([
    ['<VirtualHost 127.0.0.8 127.0.0.9>', ['127.0.0.8', '127.0.0.9']],
    ['<VirtualHost 127.0.0.8 127.0.0.9 >', ['127.0.0.8', '127.0.0.9']],
    ['<VirtualHost "127.0.0.8" "127.0.0.9">', ['127.0.0.8', '127.0.0.9']],
  ])('the words of %s', (line, expected) => {
    const text = `${line}\n</VirtualHost >`;
    expect(load(text).settings.virtualHosts[0]!.addresses.value).toEqual(expected);
  });

  /** Measured on 1.3.8: in a section, which of `PLACES` may be opened. */
  test.each([
    ['', '++++++'],
    ['<Global>', '--++++'],
    ['<VirtualHost 127.0.0.8>', '+--+++'],
    ['<Class o>', '------'],
    ['<Anonymous /tmp>', '----++'],
    ['<Directory />', '-----+'],
    ['<Limit ALL>', '------'],
  ])('what %s may hold', (outer, expected) => {
    const held = PLACES.map((inner) => {
      const text = [outer, inner, endOf(inner), endOf(outer)].join('\n');
      try {
        load(text);
        return '+';
      } catch (error) {
        expect((error as Error).message).toMatch(/<\w+> is not allowed in /);
        return '-';
      }
    });
    expect(held.join('')).toBe(expected);
  });

  test('a <Global> within a <VirtualHost> is let through, as 1.3.8 does, and is about all servers', () => {
    const text = '<VirtualHost 127.0.0.9>\n<Global>\nMessageEngine on\n</Global>\n</VirtualHost>';
    const {main, virtualHosts} = load(text).settings;
    expect([main, ...virtualHosts].map(({engine}) => engine.value)).toEqual([true, true]);
  });

  test('a class without addresses is warned of', () => {
    expect(warnings('<Class a>\n</Class>')).toEqual([
      '/d/t.conf:1: <Class a> is empty: nobody belongs to it',
    ]);
  });
});

const PLACES = [
  '<Global>',
  '<VirtualHost 127.0.0.9>',
  '<Class a>',
  '<Anonymous /tmp>',
  '<Directory />',
  '<Limit ALL>',
];

const endOf = (section: string) => (section === '' ? '' : `</${/\w+/.exec(section)![0]}>`);

/** Measured on 1.3.8: which of `PLACES` takes it. */
const CONTEXTS: readonly [string, string][] = [
  ['AllowLogSymlinks on', '++----'],
  ['ServerName x', '-+----'],
  ['Port 2', '++----'],
  ['MessageEngine on', '++----'],
  ['DefaultAddress 127.0.0.1', '------'],
  ['ControlsEngine on', '------'],
  ['ControlsSocket /a/b', '------'],
  ['ControlsSocketACL allow user *', '------'],
  ['ControlsSocketOwner root root', '------'],
  ['ControlsMaxClients 3', '------'],
  ['ControlsAuthFreshness 3', '------'],
  ['ControlsInterval 3', '------'],
  ['ControlsLog /d/x', '------'],
  ['ControlsACLs all allow user *', '------'],
  ['AdminControlsACLs all allow user *', '------'],
  ['MessageControlsACLs all allow user *', '------'],
  ['MessageLog /d/x', '------'],
  ['BanControlsACLs all allow user *', '------'],
  ['DelayControlsACLs all allow user *', '------'],
  ['DynMasqControlsACLs all allow user *', '------'],
  ['ModuleControlsACLs all allow user *', '------'],
  ['ShaperControlsACLs all allow user *', '------'],
  ['StatCacheControlsACLs all allow user *', '------'],
  ['TLSControlsACLs all allow user *', '------'],
  ['MessageQueue /d/x', '------'],
];

test.each(CONTEXTS)('where %s may stand', (directive, expected) => {
  const taken = PLACES.map((place) => {
    const text = `${place}\n${directive}\n${endOf(place)}\n`;
    try {
      load(text);
      return '+';
    } catch (error) {
      expect((error as Error).message).toContain(`is not allowed in <${/\w+/.exec(place)![0]}>`);
      return '-';
    }
  });
  expect(taken.join('')).toBe(expected);
  expect(() => load(directive)).not.toThrow();
});

/** Measured on 1.3.8 beyond what the oracle records, but for the ports: `Port abc` is 0 there. */
describe('values that are refused', () => {
  test.each([
    ['ControlsInterval 0', 'expected a positive number'],
    ['ControlsInterval ""', 'expected a positive number'],
    ['ControlsMaxClients', 'missing parameters, expected 1, found 0'],
    ['ControlsSocket ""', 'expected an absolute path'],
    ['ControlsSocketACL allow users *', "expected 'user' or 'group' as second parameter, not 'users'"],
    ['ControlsSocketACL maybe user *', "expected 'allow' or 'deny' as first parameter, not 'maybe'"],
    ['ControlsSocketACL allow user', 'missing parameters, expected 3, found 2'],
    ['ControlsLog /nodir/x.log', "ControlsLog: no such directory: '/nodir'"],
    ['MessageQueue ""', 'expected an absolute path'],
    ['AllowLogSymlinks maybe', 'expected on or off'],
    ['Port 65536', 'expected a port number from 0 to 65535'],
    ['Port -1', 'expected a port number'],
    ['Port 65536x', 'expected a port number'],
    ['DelayControlsACLs INFO allow user *', "unknown action 'INFO': expected all, info, reset"],
    ['ShaperControlsACLs sesscache allow user *', "unknown action 'sesscache': expected all, info, sess"],
    ['DynMasqControlsACLs dynmasq allow user *', "unknown action 'dynmasq': expected all, refresh"],
    ['BanControlsACLs help allow user *', "unknown action 'help': expected all, ban, permit"],
    ['StatCacheControlsACLs info allow user *', "unknown action 'info': expected all, statcache"],
    ['ModuleControlsACLs all allow users *', "expected 'user' or 'group' as third parameter"],
    ['TLSControlsACLs all ALLOW user *', "expected 'allow' or 'deny' as second parameter"],
    ['DefaultAddress 300.1.1.1', 'expected an IP address or a host name'],
    ['DefaultAddress 127.0.0.1 ""', 'expected an IP address or a host name'],
    ['DefaultAddress ftp/x', 'expected an IP address or a host name'],
    ['DefaultAddress /x.ftp', 'expected an IP address or a host name'],
    ['ControlsInterval "x 5"', 'expected a positive number'],
    ['ControlsACLs "lsctrl ,insctrl" allow user *', "unknown action ''"],
    ['ControlsACLs lsctrl,all,bogus allow user *', "unknown action 'bogus'"],
    ['AdminControlsACLs dump allow user *', "unknown action 'dump'"],
    ['Include conf.d', 'expected an absolute path'],
    ['Include', 'Include: missing parameters'],
    ['Message\u00e9ngine on', 'expected the name of a directive'],
    [`X\x1b[31m${'y'.repeat(100)} on`, "found 'X\\x1b[31myyyy"],
  ])('%j', (text, expected) => {
    expect(problem(text)).toContain('/d/t.conf:1: ');
    expect(problem(text)).toContain(expected);
    expect(problem(text).length).toBeLessThan(200);
  });
});

describe('values that ProFTPD starts with and nobody means (measured on 1.3.8) are warned of', () => {
  test.each([
    ['Port {{NAME}}', 0, "Port: '{{NAME}}' is not a number and is read as 0, so the server does not listen"],
    ['Port ""', 0, "Port: '' is not a number and is read as 0, so the server does not listen"],
    ['Port 21x', 21, "Port: '21x' is not a number and is read as 21"],
    ['Port 0', 0, undefined],
    ['Port 021', 21, undefined],
    ['Port 65535', 65535, undefined],
    ['Port x21', 0, "Port: 'x21' is not a number and is read as 0, so the server does not listen"],
    ['Port "\v21"', 21, "Port: '\\x0b21' is not a number and is read as 21"],
    ['Port " +21"', 21, "Port: ' +21' is not a number and is read as 21"],
  ])('%s', (text, port, warning) => {
    expect(load(text).settings.main.port.value).toBe(port);
    expect(warnings(text)).toEqual(warning === undefined ? [] : [`/d/t.conf:1: ${warning}`]);
  });

  test.each(['...', '.', '!...', '-', '{{NETS}}', 'a"b'])('From %s', (item) => {
    const text = `<Class a>\nFrom 127.0.0.1 ${item}\n</Class>`;
    const shown = `'${item}'`;
    expect(warnings(text)).toEqual([
      `/d/t.conf:2: From: ${shown} is neither an address nor a host name: no client matches it`,
    ]);
    expect(load(text).settings.classes[0]!.rules.length).toBe(2);
  });

  test.each([
    '.example.org',
    'a_b-c.d',
    '*',
    '?x[a-z]',
    '!host',
    '[!a]b',
    'all',
  ])('not so From %s', (item) => {
    expect(warnings(`<Class a>\nFrom ${item}\n</Class>`)).toEqual([]);
  });
});

test.each([
  ['5s', 5],
  ['" \t\v\f\r+3"', 3],
  ['99999999999', 2147483647],
])('ControlsInterval %s', (word, expected) => expect(interval(`ControlsInterval ${word}`)).toBe(expected));

describe('Include', () => {
  const two = {'/inc/b.conf': 'ControlsInterval 3', '/inc/a.conf': 'ControlsInterval 2'};

  test.each([
    ['Include /inc/a.conf', 2],
    ['include /inc', 3],
    ['Include /inc/', 3],
    ['Include /inc/*.conf', 3],
    ['Include /*/a.conf', 2],
    ['Include /inc/[!b]*.conf', 2],
    ['Include /inc/?.conf', 3],
    ['Include /inc/{a,b}.conf', 10],
    ['Include /inc/{a,b}*', 10],
    ['Include /inc/A*', 10],
    ['Include /*/*/*', 10],
    ['Include /*/none', 10],
    ['Include /inc/*.txt', 10],
    ['Include /inc/a.conf /inc/b.conf', 2],
    ['Include "/inc/a.conf"\nControlsInterval 4', 4],
    ['<IfModule mod_tls.c>\nInclude /inc/a.conf\n</IfModule>', 10],
    ['<IfModule mod_msg.c>\nInclude /inc/a.conf\n</IfModule>', 2],
  ])('%j, in the order of the names', (text, expected) => {
    expect(interval(text, two)).toBe(expected);
  });

  test('of a directory takes what has a leading dot or a trailing tilde, of a pattern does not', () => {
    const odd = {
      '/inc/.a': 'ControlsInterval 2',
      '/inc/b~': 'MessageEngine on',
      '/inc/sub/c': 'MessageEngine bogus',
    };
    expect(interval('Include /inc', odd)).toBe(2);
    expect(load('Include /inc', odd).settings.main.engine).toEqual({
      value: true,
      at: {file: '/inc/b~', line: 1},
    });
    expect(interval('Include /inc/*', odd)).toBe(10);
    expect(interval('Include /inc/.*', odd)).toBe(2);
  });

  test('what cannot be read is an error where it is included, and where it stands if it is the first', () => {
    const away = new Error('permission denied');
    const source = (...locked: readonly string[]) => {
      const memory = memorySource({[FILE]: 'Include /inc', '/inc/a': 'Include /inc/b/', '/inc/b/c': ''});
      const unless = <T>(path: string, look: (path: string) => T) => {
        if (locked.includes(path)) throw away;
        return look(path);
      };
      const read = (path: string) => unless(path, memory.read);
      return {...memory, read, list: (path: string) => unless(path, memory.list)};
    };
    const failures = [
      [FILE, `${FILE}: cannot be read: permission denied`],
      ['/inc', `${FILE}:1: Include: cannot read /inc: permission denied`],
      ['/inc/a', `${FILE}:1: cannot read /inc/a: permission denied`],
      ['/inc/b/', '/inc/a:1: Include: cannot read /inc/b/: permission denied'],
      ['/inc/b/c', '/inc/a:1: cannot read /inc/b/c: permission denied'],
    ] as const;
    for (const [locked, message] of failures) {
      expect(() => loadSettings(source(locked), FILE)).toThrow(
        expect.objectContaining({name: 'ConfigError', code: 'CONFIG_INVALID', message, cause: away}),
      );
    }
  });

  test('a missing file is warned of, as 1.3.8 does', () => {
    expect(warnings('Include /inc/none')).toEqual(['/d/t.conf:1: Include: no such file: /inc/none']);
  });

  test('an error in an included file is an error there', () => {
    expect(problem('Include /inc/a', {'/inc/a': '\nMessageEngine bogus'})).toContain(
      '/inc/a:2: MessageEngine: ',
    );
  });

  test('a section counts in what is included, and may end there', () => {
    expect(problem('<Global>\nInclude /inc/a.conf\n</Global>', two)).toContain(
      '/inc/a.conf:1: ControlsInterval is not',
    );
    expect(interval('<Global>\nInclude /inc/end\nControlsInterval 5', {'/inc/end': '</Global>'})).toBe(5);
  });

  test('a condition does not reach over the end of a file', () => {
    expect(problem('Include /inc/x\n</IfModule>', {'/inc/x': '<IfModule mod_tls.c>'})).toContain(
      '/inc/x:1: <IfModule>',
    );
  });

  test('a file that includes itself is refused, by whatever way', () => {
    expect(problem(`Include ${FILE}`)).toBe(`/d/t.conf:1: Include: ${FILE} would include itself`);
    expect(problem('Include /a', {'/a': 'Include /b', '/b': `Include ${FILE}`})).toContain('/b:1: Include: ');
    expect(interval('Include /a\nInclude /a', {'/a': 'ControlsInterval 2'})).toBe(2);
  });

  test('a configuration that is not there is refused', () => {
    expect(() => loadSettings(memorySource({}), FILE)).toThrow(
      '/d/t.conf: expected a configuration file, found none',
    );
    expect(() => loadSettings(memorySource({[`${FILE}/a`]: ''}), FILE)).toThrow(
      '/d/t.conf: expected a configuration file, found a directory',
    );
  });
});

test('a byte order mark is refused, and said what to do about', () => {
  expect(() => load('\ufeffMessageEngine on')).toThrow(
    expect.objectContaining({
      message: '/d/t.conf:1: expected a directive, found a byte order mark',
      hint: 'save the file as UTF-8 without a byte order mark',
    }),
  );
});

describe('what is passed over is said', () => {
  test('misspelt names, with what was meant', () => {
    const {warnings, skipped} = load(
      'MesageEngine on\nMessageControlsACL msg allow user *\nMessageFoo on\nTLSEngine on',
    );
    expect(warnings.map(({at, message}) => `${at.line}: ${message}`)).toEqual([
      '1: MesageEngine is not known and is skipped: did you mean MessageEngine?',
      '2: MessageControlsACL is not known and is skipped: did you mean MessageControlsACLs?',
      '3: MessageFoo is not known and is skipped: did you mean MessageLog?',
    ]);
    expect(skipped.map(({name}) => name)).toEqual([
      'MesageEngine',
      'MessageControlsACL',
      'MessageFoo',
      'TLSEngine',
    ]);
  });

  test('words nobody reads; those of ACLs are for the findings', () => {
    expect(warnings('ControlsInterval 2 3 "4 5"\nMessageControlsACLs msg allow user a, b')).toEqual([
      "/d/t.conf:1: ControlsInterval: ignored: '3' '4 5'",
    ]);
  });

  test('words after a list of ControlsSocketACL are for the findings, too', () => {
    expect(warnings('ControlsSocketACL allow user a, b')).toEqual([]);
  });

  test('what a NUL byte cuts off', () => {
    expect(warnings('MessageEngine on\0 x')).toEqual([
      '/d/t.conf:1: a NUL byte: the rest of the line is ignored',
    ]);
  });
});
