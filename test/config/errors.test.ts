import {expect, test} from 'vitest';
import {ConfigError, parseAt, quoted, UnexpectedValue, withLocation} from '../../src/lib/config/errors.ts';
import {FtpdctlError} from '../../src/lib/errors.ts';

const at = {file: '/d/p.conf', line: 3};

test('a value that is not taken becomes an error with the place; what is our own fault does not', () => {
  const unexpected = new UnexpectedValue('expected a number');
  expect(() =>
    parseAt(at, 'Port', () => {
      throw unexpected;
    }),
  ).toThrow(
    expect.objectContaining({
      name: 'ConfigError',
      code: 'CONFIG_INVALID',
      exitStatus: 1,
      message: '/d/p.conf:3: Port: expected a number',
      problem: 'Port: expected a number',
      cause: unexpected,
    }),
  );
  expect(String(unexpected)).toBe('UnexpectedValue: expected a number');
  const fault = new TypeError('x is not a function');
  expect(() =>
    parseAt(at, 'Port', () => {
      throw fault;
    }),
  ).toThrow(fault);
});

test('an error that a directive has led to says where that stands, and keeps its hint', () => {
  const refused = new FtpdctlError('IN_USE', 'the socket is in use', 75, {hint: 'stop the other server'});
  const located = withLocation(at, 'ControlsSocket', refused);
  expect(located).toBeInstanceOf(ConfigError);
  expect(located).toMatchObject({
    message: '/d/p.conf:3: ControlsSocket: the socket is in use',
    hint: 'stop the other server',
    cause: refused,
  });
  expect(withLocation(at, 'ControlsSocket', new FtpdctlError('IN_USE', 'busy'))).not.toHaveProperty(
    'hint',
    expect.anything(),
  );
  expect(withLocation(null, 'ControlsSocket', refused)).toBe(refused);
  const fault = new TypeError('x is not a function');
  expect(withLocation(at, 'ControlsSocket', fault)).toBe(fault);
});

test.each([
  ['a\x1bb', "'a\\x1bb'"],
  ['x'.repeat(80), `'${'x'.repeat(80)}'`],
  ['x'.repeat(81), `'${'x'.repeat(80)}…'`],
])('a word from a file is shown on one line, and not all of it: %j', (word, shown) => {
  expect(quoted(word)).toBe(shown);
});
