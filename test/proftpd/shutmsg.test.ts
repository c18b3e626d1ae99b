import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {readShutmsg, removeShutmsg, writeShutmsg} from '../../src/lib/proftpd/shutmsg.ts';

const NOW = new Date(2026, 10, 28, 17, 30, 5);

// Only root writes it, and where nobody else can.
describe.skipIf(process.getuid?.() !== 0)('/etc/shutmsg', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(homedir(), '.shutmsg-test-'));
    path = join(directory, 'shutmsg');
  });
  afterEach(() => rmSync(directory, {recursive: true, force: true}));

  const textIn = () => readFileSync(path, 'utf8').split('\n')[1];

  test('denies logins now, and ends nobody for three days', () => {
    writeShutmsg('back at six', path, NOW);
    expect(readFileSync(path, 'utf8')).toBe(
      '2026 12 1 17 30 5 9900 0000\nback at six\n# made by "ftpdctl drain"; "ftpdctl drain --cancel" removes it\n',
    );
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect(readdirSync(directory)).toEqual(['shutmsg']);
    expect(readShutmsg(path)).toEqual({kind: 'ours', text: 'back at six'});
    expect(removeShutmsg(path)).toEqual({kind: 'ours', text: 'back at six'});
    expect(readShutmsg(path)).toEqual({kind: 'none'});
    expect(removeShutmsg(path)).toEqual({kind: 'none'});
  });

  test('its text is shown as it is: no times in place of %s, whole characters, one line', () => {
    writeShutmsg('100% sure, %s %r %d 5%, a\nb', path, NOW);
    expect(textIn()).toBe('100% sure, % s % r % d 5% , a\\x0ab');
    rmSync(path);
    writeShutmsg('ü'.repeat(50), path, NOW);
    expect(textIn()).toBe('ü'.repeat(39));
  });

  test('a file that is there keeps its place', () => {
    writeShutmsg('first', path, NOW);
    expect(() => writeShutmsg('second', path, NOW)).toThrow('of another drain');
    writeFileSync(path, '2099 1 1 0 0 0 0010 0005\nclosed \x1b[31mfor the night\n');
    expect(() => writeShutmsg('second', path, NOW)).toThrow('"closed \\x1b[31mfor the night"');
    expect(removeShutmsg(path)).toEqual({kind: 'foreign', text: 'closed \\x1b[31mfor the night'});
    expect(existsSync(path)).toBe(true);
    expect(readdirSync(directory)).toEqual(['shutmsg']);
  });

  test.each([
    ['another user’s', () => chownSync(path, 65_534, 65_534)],
    ['one that others may write', () => chmodSync(path, 0o666)],
  ])('%s is not ours', (_what, change) => {
    writeShutmsg('ours', path, NOW);
    change();
    expect(readShutmsg(path)).toEqual({kind: 'foreign', text: 'ours'});
  });

  test('neither is a link, a directory, or what is too large', () => {
    symlinkSync('/etc/passwd', path);
    expect(readShutmsg(path)).toEqual({kind: 'foreign', text: '(a symbolic link)'});
    expect(() => writeShutmsg('x', path, NOW)).toThrow('is not ours');
    rmSync(path);
    mkdirSync(path);
    expect(readShutmsg(path)).toEqual({kind: 'foreign', text: '(no regular file)'});
    rmSync(path, {recursive: true});
    writeFileSync(path, 'x'.repeat(5000));
    expect(readShutmsg(path)).toEqual({kind: 'foreign', text: '(5000 bytes)'});
  });

  test('what a killed drain has left beside it is no obstacle', () => {
    writeFileSync(join(directory, '.shutmsg.ftpdctl'), 'half');
    writeShutmsg('x', path, NOW);
    expect(readdirSync(directory)).toEqual(['shutmsg']);
  });

  test('it is not written where others can replace it', () => {
    chmodSync(directory, 0o777);
    expect(() => writeShutmsg('x', path, NOW)).toThrow('another user can change');
    expect(readdirSync(directory)).toEqual([]);
  });
});
