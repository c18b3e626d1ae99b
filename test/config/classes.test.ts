import {describe, expect, test} from 'vitest';
import {classOf} from '../../src/lib/config/classes.ts';
import {ConfigError} from '../../src/lib/config/errors.ts';
import {loadSettings} from '../../src/lib/config/load.ts';
import {memorySource} from './memorySource.ts';

/** `From` lines of one class; several classes are named a, b, …. */
function classes(...all: readonly (readonly string[])[]) {
  const text = all.map((lines, index) => `<Class ${'ab'[index]}>\n${lines.join('\n')}\n</Class>\n`).join('');
  return loadSettings(memorySource({'/d/c.conf': text}), '/d/c.conf').settings.classes;
}

const CLIENTS = [['127.0.0.1', 'localhost'], ['127.0.1.5'], ['127.0.2.9'], ['127.1.0.1']] as const;

/** By client of `CLIENTS`: the class that ProFTPD 1.3.8 puts it in, `-` for none. */
const MEASURED: readonly [string, string][] = [
  ['From 127.0.0.1', 'a---'],
  ['From !127.0.0.1', '-aaa'],
  ['From !127.0.0.0/16', '---a'],
  ['From 127.0.1.7/24', '-a--'],
  ['From 127.0.1.', '-a--'],
  ['From !127.0.0.1 127.0.0.0/8', 'aaaa'],
  ['From 127.0.0.0/8 !127.0.0.1', 'aaaa'],
  ['From 127.0.0.1,127.0.1.5 127.0.2.9', 'aaa-'],
  ['From localhost', 'a---'],
  ['From LOCALHOST', '----'],
  ['From !localhost', '-aaa'],
  ['From local*', 'a---'],
  ['From LOCAL*', 'a---'],
  ['From !local*', '-aaa'],
  ['From local[h]ost', 'a---'],
  ['From local[!x]ost', 'a---'],
  ['From local{host,x}', '----'],
  ['From *a*', 'a---'],
  ['From *', 'aaaa'],
  ['From all', 'aaaa'],
  ['From none', '----'],
  ['From !all', 'aaaa'],
  ['From !none', 'aaaa'],
  ['From none all', '----'],
  ['From all none', 'aaaa'],
  ['From none\nFrom all', 'aaaa'],
  ['From 127.0.0.1 all', 'a---'],
  ['From 127.0.0.1 none 127.0.1.5', 'a---'],
  ['From 127.0.0.1\nFrom none\nFrom 127.0.1.5', 'aa--'],
  ['From ""', '----'],
  ['Satisfy all\nFrom 127.0.0.0/8 !127.0.0.1', '-aaa'],
  ['From 127.0.0.0/8\nFrom !127.0.0.1\nSatisfy ALL', '-aaa'],
  ['Satisfy all\nFrom none', '----'],
];

describe('who belongs to a class', () => {
  // `{host` and `x}` are two items to ProFTPD; the second is a name that no host can have.
  test.each(MEASURED)('%j', (lines, expected) => {
    const found = classes([lines]);
    expect(CLIENTS.map(([address, name]) => classOf(found, address, name) ?? '-').join('')).toBe(expected);
  });

  test('the first class that takes a client has it', () => {
    const found = classes(['From 127.0.0.1'], ['From 127.0.0.1 127.0.1.5']);
    expect(CLIENTS.map(([address]) => classOf(found, address) ?? '-').join('')).toBe('ab--');
  });

  test('addresses with wildcards are taken, which 1.3.8 refuses to start with', () => {
    const found = classes(['From 127.0.[12].*']);
    expect(CLIENTS.map(([address, name]) => classOf(found, address, name) ?? '-').join('')).toBe('-aa-');
  });

  test.each([
    ['From .example.org', '10.0.0.1', 'ftp.example.org'],
    ['From 10.20.', '10.20.0.1', '10.20.0.1'],
    ['From 127.0.0.1/32', '127.0.0.1', 'localhost'],
    ['From ::1/128', '::1', 'localhost'],
    ['From nonesuch', '10.0.0.1', 'nonesuch'],
    ['From x1.', '10.0.0.1', 'x1.'],
    ['From ",,127.0.0.1"', '127.0.0.1', 'localhost'],
    ['From ::1', '::1', 'localhost'],
    ['From 2001:db8::/32', '2001:db8:0:1::2', '2001:db8:0:1::2'],
    ['From 10.1.2.3', '::ffff:10.1.2.3', '10.1.2.3'],
    ['From 10.0.0.0/8', '::ffff:10.1.2.3', '10.1.2.3'],
    ['From 0.0.0.0/0', '10.1.2.3', '10.1.2.3'],
  ])('%s takes %s', (line, address, name) => {
    expect(classOf(classes([line]), address, name)).toBe('a');
  });

  test.each([
    ['From .example.org', '10.0.0.1', 'example.org'],
    ['From 10.0.0.0/8', '::a00:1', '::a00:1'],
    ['From ::/0', '10.0.0.1', '10.0.0.1'],
    ['From 10.', '101.0.0.1', '101.0.0.1'],
    ['From ::1/128', '::2', '::2'],
    ['From allied', '10.0.0.1', 'localhost'],
    ['Satisfy all', '10.0.0.1', 'localhost'],
    ['Satisfy any\nFrom 127.0.0.1 127.0.0.2', '10.0.0.1', 'localhost'],
  ])('%s does not take %s', (line, address, name) => {
    expect(classOf(classes([line]), address, name)).toBeNull();
  });

  test.each([
    '300.1.1.1',
    '1.2.3.4/33',
    '1.2.3.4/x',
    '10.0.0.0/255.0.0.0',
    '10.0.0.0/-1',
    'host/24',
    '1.2.3.4/24/5',
    '::1/129',
    '.0.1.5',
    // 1.3.8 takes these, and puts into the class everybody (the first two) or a host nobody meant.
    '1.2.3.4/',
    '!',
    '127',
    '10.1',
  ])('%s is refused', (item) => {
    expect(() => classes([`From ${item}`])).toThrow(ConfigError);
    expect(() => classes([`From ${item}`])).toThrow('/d/c.conf:2: From: expected an address');
  });
});
