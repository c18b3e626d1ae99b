import {mkdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {Recent} from '../../../src/lib/cli/prompt/recent.ts';
import {makeOwnHome, removeOwnHome} from '../../helpers/ownHome.ts';

let home: string;
beforeEach(() => {
  home = makeOwnHome();
});
afterEach(() => removeOwnHome(home));

const file = () => join(home, 'ftpdctl', 'recent.json');
const recent = () => new Recent({XDG_STATE_HOME: home});

function write(text: string): void {
  mkdirSync(join(home, 'ftpdctl'));
  writeFileSync(file(), text);
}

test('the latest first, each once, by kind', () => {
  for (const user of ['dave', 'alice', 'dave']) recent().add('user', user);
  recent().add('class', 'staff');
  expect(recent().of('user')).toEqual(['dave', 'alice']);
  expect(recent().of('class')).toEqual(['staff']);
  expect(recent().of('host')).toEqual([]);
});

test('it is for the person alone', () => {
  recent().add('user', 'dave');
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(statSync(join(home, 'ftpdctl')).mode & 0o777).toBe(0o700);
});

test('not more than 20 of a kind', () => {
  const memory = recent();
  for (let i = 0; i < 30; i++) memory.add('user', `user${i}`);
  expect(recent().of('user')).toEqual(Array.from({length: 20}, (_, i) => `user${29 - i}`));
});

test.each([
  '',
  '{',
  '[]',
  'null',
  '3',
  '{"user": "dave"}',
  '{"user": [1]}',
  `{"user": ["${'x'.repeat(70_000)}"]}`,
])('nonsense in the file is nothing to remember: %.20s', (text) => {
  write(text);
  expect(recent().of('user')).toEqual([]);
  recent().add('user', 'dave');
  expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({user: ['dave']});
});

test.each(['constructor', '__proto__', 'toString'])('a kind named %s is one like any other', (kind) => {
  expect(recent().of(kind)).toEqual([]);
  const memory = recent();
  memory.add(kind, 'x');
  expect(memory.of(kind)).toEqual(['x']);
});

test('where nothing can be written, it remembers for as long as it lives', () => {
  writeFileSync(join(home, 'ftpdctl'), 'in the way');
  const memory = recent();
  memory.add('user', 'dave');
  expect(memory.of('user')).toEqual(['dave']);
  expect(recent().of('user')).toEqual([]);
});

test('without XDG_STATE_HOME it lies below HOME', () => {
  new Recent({HOME: home, XDG_STATE_HOME: 'relative'}).add('user', 'dave');
  expect(readFileSync(join(home, '.local/state/ftpdctl/recent.json'), 'utf8')).toBe('{"user":["dave"]}');
});
