import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {parseGroups} from '../../src/lib/fleet/groups.ts';
import {foldHosts, parseHosts, withoutHosts} from '../../src/lib/fleet/hosts.ts';

const names = (selection: string, groups = '') =>
  parseHosts(selection, parseGroups(groups, 'hosts')).map(({name}) => name);

describe('a selection means hosts', () => {
  test.each([
    ['ftp01', 'ftp01'],
    ['ftp01,ftp02', 'ftp01 ftp02'],
    [' ftp01 ,\n ftp02\t', 'ftp01 ftp02'],
    ['ftp[01-03]', 'ftp01 ftp02 ftp03'],
    ['ftp[8-11]', 'ftp8 ftp9 ftp10 ftp11'],
    [
      'ftp[098-101].example.org',
      'ftp098.example.org ftp099.example.org ftp100.example.org ftp101.example.org',
    ],
    ['ftp[1,3-4]', 'ftp1 ftp3 ftp4'],
    ['ftp[0-10/5]', 'ftp0 ftp5 ftp10'],
    ['r[1-2]n[1-2]', 'r1n1 r1n2 r2n1 r2n2'],
    ['dave@ftp[1-2]:2222', 'dave@ftp1:2222 dave@ftp2:2222'],
    ['127.0.0.1:[2201-2202]', '127.0.0.1:2201 127.0.0.1:2202'],
    ['ftp1,ftp[1-2],ftp1', 'ftp1 ftp2'],
    ['[2001:db8::1]:22,2001:db8::2,fe80::1%eth0', '[2001:db8::1]:22 2001:db8::2 fe80::1%eth0'],
    ['', ''],
    [',', ''],
  ])('%j', (selection, expected) => {
    expect(names(selection).join(' ')).toBe(expected);
  });

  test.each([
    ['ftp01', {host: 'ftp01'}],
    ['dave@ftp01', {host: 'ftp01', user: 'dave'}],
    ['dave@corp.example@ftp01:22', {host: 'ftp01', user: 'dave@corp.example', port: 22}],
    ['CORP\\dave@ftp01', {host: 'ftp01', user: 'CORP\\dave'}],
    ['[2001:db8::1]:2222', {host: '2001:db8::1', port: 2222}],
    ['root@[::1]', {host: '::1', user: 'root'}],
    ['::1', {host: '::1'}],
  ])('%s is taken apart', (name, parts) => {
    expect(parseHosts(name)).toEqual([{name, ...parts}]);
  });

  const OPTION = 'ssh would take it for an option';
  const EXAMPLE = 'for example ftp01, dave@ftp01:2222, ftp[01-40] or @group';
  const GROUP = 'a line "NAME: HOSTS" in ~/.config/ftpdctl/hosts or /etc/ftpdctl/hosts makes one';
  const RANGE = 'for example ftp[01-40] or n[1,3-5]';
  test.each([
    ['-oProxyCommand=evil', '"-oProxyCommand=evil" is no host', OPTION],
    ['dave@-oProxyCommand=evil', '"dave@-oProxyCommand=evil" is no host', OPTION],
    ['-l@ftp01', '"-l@ftp01" is no host', OPTION],
    ['ftp01;reboot', '"ftp01;reboot" is no host', EXAMPLE],
    ['$(reboot)', '"$(reboot)" is no host', EXAMPLE],
    ['ftp 01|x', '"01|x" is no host', EXAMPLE],
    ['ftp01:0', '"ftp01:0": there is no port 0'],
    ['ftp01:65536', '"ftp01:65536": there is no port 65536'],
    ['ftp01:', '"ftp01:" is no host', EXAMPLE],
    ['dave@', '"dave@" is no host', EXAMPLE],
    ['ftp[', '"ftp[" is no host', EXAMPLE],
    ['ftp]', '"ftp]" is no host', EXAMPLE],
    ['x'.repeat(60).concat('!'), `"${'x'.repeat(60)}…" is no host`, EXAMPLE],
    ['x'.repeat(59).concat('!'), `"${'x'.repeat(59)}!" is no host`, EXAMPLE],
    ['ftp[]', '"ftp[]": "" is no range', RANGE],
    ['ftp[a-b]', '"ftp[a-b]": "a-b" is no range', RANGE],
    ['ftp[a1-3]', '"ftp[a1-3]": "a1-3" is no range', RANGE],
    ['ftp[1-3b]', '"ftp[1-3b]": "1-3b" is no range', RANGE],
    ['ftp[3-1]', '"ftp[3-1]": "3-1" is no range', RANGE],
    ['ftp[1-2/0]', '"ftp[1-2/0]": "1-2/0" is no range', RANGE],
    ['ftp[1-10001]', '"ftp[1-10001]" means more than 10000 hosts'],
    ['a[1-999999999]b[1-999999999]', '"b[1-999999999]" means more than 10000 hosts'],
    ['n[1-101]m[1-100]', '"n[1-101]m[1-100]" means more than 10000 hosts'],
    ['n[0-9999],x', '"n[0-9999],x" means more than 10000 hosts'],
    ['@', 'there is no group @', GROUP],
    ['ftp01\u0000', '"ftp01\\u0000" is no host', EXAMPLE],
    ['@nobody', 'there is no group @nobody', GROUP],
    ['\u202eftp01', '"\u202eftp01" is no host', EXAMPLE],
  ])('%j is refused: %s', (selection, message, hint?: string) => {
    expect(() => parseHosts(selection)).toThrow(expect.objectContaining({message, hint}));
  });

  test('so many as it takes', () => {
    expect(parseHosts('n[1-100]m[1-100]')).toHaveLength(10_000);
    expect(parseHosts('ftp:65535')).toEqual([{name: 'ftp:65535', host: 'ftp', port: 65_535}]);
  });

  test.each([
    'ftp[1-',
    'ftp[1-,ftp2',
  ])('brackets that are not closed are told with their host: %s', (selection) => {
    expect(() => parseHosts(selection)).toThrow(`"${selection}" is no host`);
  });

  test('what is left out is left out by its host, and by the user and port that it names', () => {
    const left = (hosts: string, out: string) =>
      withoutHosts(parseHosts(hosts), parseHosts(out)).map(({name}) => name);
    expect(left('ftp[1-4]', 'ftp[2-3]')).toEqual(['ftp1', 'ftp4']);
    expect(left('dave@ftp1:22,ftp2', 'ftp1')).toEqual(['ftp2']);
    expect(left('dave@ftp1,eve@ftp1,ftp1:22,ftp1:23', 'dave@ftp1,ftp1:23')).toEqual(['eve@ftp1', 'ftp1:22']);
  });
});

describe('groups', () => {
  const FILE = `
# Two sites, as ClusterShell writes them.
berlin: ftp[01-02]   # the old ones
paris:  ftp11,ftp12
ftp:    @berlin @paris dave@ftp99:2222
`;

  test.each([
    ['@berlin', 'ftp01 ftp02'],
    ['@ftp', 'ftp01 ftp02 ftp11 ftp12 dave@ftp99:2222'],
    ['web,@paris', 'web ftp11 ftp12'],
    ['@*', 'ftp01 ftp02 ftp11 ftp12 dave@ftp99:2222'],
  ])('%s', (selection, expected) => {
    expect(names(selection, FILE).join(' ')).toBe(expected);
  });

  test('ranges may stand in the name of a group, too', () => {
    expect(names('@site[1-2]', 'site1: a\nsite2: b c\n')).toEqual(['a', 'b', 'c']);
  });

  test('one that is part of itself is told', () => {
    expect(() => names('@a', 'a: @b\nb: @a\n')).toThrow('the group @a is part of itself: a, b, a');
  });

  test('one that is not there is told with those that are', () => {
    expect(() => names('@c', 'a: x\nb: y\n')).toThrow(
      expect.objectContaining({message: 'there is no group @c', hint: 'there are: @a, @b'}),
    );
  });

  test.each([
    'no group',
    ': x',
    'a b: x',
    '-a: x',
    'a: x\na: y',
  ])('the line %j is refused with its place', (line) => {
    expect(() => parseGroups(`\n${line}\n`, '/etc/ftpdctl/hosts')).toThrow(/^\/etc\/ftpdctl\/hosts:[23]: /);
  });
});

describe('names are folded into ranges', () => {
  test.each([
    ['ftp01 ftp02 ftp03 web', 'ftp[01-03],web'],
    ['ftp03 ftp01 web', 'ftp[01,03],web'],
    ['ftp9 ftp10 ftp09', 'ftp[9-10,09]'],
    ['ftp1 ftp01', 'ftp[1,01]'],
    ['r1n1 r1n2 r2n1 r2n2', 'r[1-2]n[1-2]'],
    ['ftp1.example.org ftp2.example.org', 'ftp[1-2].example.org'],
    ['10.0.0.1 10.0.0.2', '10.0.0.[1-2]'],
    ['h:2201 h:2202', 'h:[2201-2202]'],
    ['ftp01', 'ftp01'],
    ['2001:db8::1 2001:db8::2', '2001:db8::1,2001:db8::2'],
    ['', ''],
  ])('%j', (hosts, expected) => {
    expect(foldHosts(hosts.split(' ').filter(Boolean))).toBe(expected);
  });

  test('and mean the same when they are read again', () => {
    const number = fc
      .oneof(fc.nat(12), fc.nat(1200))
      .chain((n) => fc.nat(2).map((zeros) => '0'.repeat(zeros) + n));
    const name = fc
      .tuple(fc.constantFrom('ftp', 'a-', ''), number, fc.constantFrom('', '.x', 'n'), fc.option(number))
      .map(([before, first, between, second]) => `${before}${first}${between}${second ?? ''}`);
    fc.assert(
      fc.property(fc.uniqueArray(name, {maxLength: 40}), (hosts) => {
        const again = parseHosts(foldHosts(hosts)).map((host) => host.name);
        expect(again.toSorted()).toEqual(hosts.toSorted());
      }),
    );
  });

  test('ten thousand of them at once', () => {
    const hosts = parseHosts('r[1-100]n[001-100]').map(({name}) => name);
    expect(foldHosts(hosts)).toBe('r[1-100]n[001-100]');
    const odd = parseHosts('n[1-19999/2]').map(({name}) => name);
    expect(foldHosts(odd).split(',')).toHaveLength(10_000);
  });
});
