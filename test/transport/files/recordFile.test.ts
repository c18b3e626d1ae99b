import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {
  createRecord,
  type RecordFile,
  readRecord,
  removeRecord,
  replaceRecord,
} from '../../../src/lib/transport/files/recordFile.ts';

const UID = process.geteuid!();
let base: string;
let file: RecordFile;
beforeEach(() => {
  base = mkdtempSync(join(homedir(), '.record-test-'));
  file = {directory: join(base, 'drain'), name: 'record', isReadable: false};
});
afterEach(() => rmSync(base, {recursive: true, force: true}));

const modeOf = (path: string) => statSync(path).mode & 0o777;

test('is made once, replaced and removed', () => {
  expect(readRecord(file, UID)).toBeUndefined();
  expect(createRecord(file, 'one')).toBe(true);
  expect(createRecord(file, 'two')).toBe(false);
  expect(readRecord(file, UID)).toBe('one');
  replaceRecord(file, 'three');
  expect(readRecord(file, UID)).toBe('three');
  expect(readdirSync(file.directory)).toEqual(['record']);
  removeRecord(file);
  removeRecord(file);
  expect(readRecord(file, UID)).toBeUndefined();
});

test.each([
  [true, 0o755, 0o644],
  [false, 0o700, 0o600],
])('for others to read: %s, whatever the umask', (isReadable, directory, mode) => {
  const before = process.umask(0o077);
  try {
    createRecord({...file, isReadable}, 'x');
  } finally {
    process.umask(before);
  }
  expect([modeOf(file.directory), modeOf(join(file.directory, file.name))]).toEqual([directory, mode]);
});

test('what another user could have written is not read, nor is anything written there', () => {
  createRecord(file, 'x');
  const path = join(file.directory, file.name);
  chmodSync(path, 0o666);
  expect(() => readRecord(file, UID)).toThrow('another user can change');
  chmodSync(path, 0o600);
  chmodSync(file.directory, 0o777);
  expect(() => readRecord(file, UID)).toThrow('another user can change');
  expect(() => replaceRecord(file, 'y')).toThrow('another user can change');
  chmodSync(file.directory, 0o700);
  expect(readRecord(file, UID)).toBe('x');
});

test('a link is not followed', () => {
  createRecord(file, 'x');
  const path = join(file.directory, file.name);
  const other = join(base, 'other');
  writeFileSync(other, 'other');
  rmSync(path);
  symlinkSync(other, path);
  expect(() => readRecord(file, UID)).toThrow();
  expect(createRecord(file, 'y')).toBe(false);
  removeRecord(file);
  expect([existsSync(other), existsSync(path)]).toEqual([true, false]);
});
