import {describe, expect, test} from 'vitest';
import {connectError, noAnswerError, timeoutError} from '../../src/lib/client/errors.ts';
import {SystemCallError} from '../../src/lib/transport/libc.ts';

const failure = (path: string, code: string) => ({
  candidate: {path, because: 'a test'},
  error: new SystemCallError('connect', code),
});

describe('one socket: each cause has a name, and something to do', () => {
  test.each([
    ['missing, or controls off', '/run/x', 'ENOENT', 'SOCKET_MISSING', /no such socket/, /ControlsEngine on/],
    ['a private /tmp', '/tmp/x', 'ENOENT', 'SOCKET_MISSING', /no such socket/, /PrivateTmp/],
    ['a private /var/tmp', '/var/tmp/x', 'ENOENT', 'SOCKET_MISSING', /no such socket/, /PrivateTmp/],
    ['a folder missing', '/run/x/y', 'ENOTDIR', 'SOCKET_MISSING', /no such socket/, /-s$/],
    ['stale', '/run/x', 'ECONNREFUSED', 'SOCKET_STALE', /nobody listens/, /rmctrl all.*restart/],
    ['refused', '/run/x', 'EACCES', 'SOCKET_FORBIDDEN', /permission denied/, /ControlsSocketOwner/],
    ['a message queue', '/run/x', 'EPROTOTYPE', 'CONNECT_FAILED', /datagram/, /ControlsSocket/],
    [
      'too long',
      '/run/x',
      'ENAMETOOLONG',
      'BAD_SOCKET_PATH',
      /too long for a Unix socket \(107 bytes\)/,
      /shorter/,
    ],
    ['anything else', '/run/x', 'EIO', 'CONNECT_FAILED', /EIO/, /ControlsSocket/],
  ])('%s', (_cause, path, errno, code, says, hint) => {
    const error = connectError([failure(path, errno)]);
    expect(error).toMatchObject({code, exitStatus: 1});
    expect(error.message).toMatch(new RegExp(`^cannot reach the server at ${path}: `));
    expect(error.message).toMatch(says);
    expect(error.hint).toMatch(hint);
  });
});

test.each([
  ['elsewhere', '/run/x', 'ENOENT'],
  ['in a folder of that name', '/run/tmp/x', 'ENOENT'],
  ['that is stale', '/tmp/x', 'ECONNREFUSED'],
])('a socket %s is in no private /tmp', (_where, path, errno) => {
  expect(connectError([failure(path, errno)]).hint).not.toMatch(/PrivateTmp/);
});

test('many sockets: the one that holds something is named, with its hint; the others -v has', () => {
  const error = connectError([
    failure('/a', 'ENOENT'),
    failure('/b', 'ECONNREFUSED'),
    failure('/c', 'ENOENT'),
  ]);
  expect(error.message).toBe('no server answers; /b: nobody listens there');
  expect(error.hint).toMatch(/restart/);
});

test('many sockets, none there', () => {
  const error = connectError([failure('/tmp/a', 'ENOENT'), failure('/b', 'ENOENT')]);
  expect(error).toMatchObject({code: 'NO_SOCKET', exitStatus: 1});
  expect(error.message).toBe('no server answers');
  expect(error.hint).toMatch(/ControlsEngine on.*ftpdctl serve.* -s; -v says/);
});

test('a file is no socket', () => {
  const error = connectError([failure('/etc/passwd', 'ECONNREFUSED')]);
  expect(error.message).toBe('cannot reach the server at /etc/passwd: it is no socket');
  expect(error.hint).toMatch(/ -s$/);
});

test('no answer, and none in time', () => {
  expect(noAnswerError(true).hint).toMatch(/PrivateTmp/);
  expect(noAnswerError(false).hint).toMatch(/\/tmp cannot be written/);
  expect(timeoutError(1500)).toMatchObject({
    message: 'no answer within 1.5 s; the request may still be carried out',
    hint: expect.stringMatching(/ControlsInterval.*--timeout/) as string,
    exitStatus: 75,
  });
});
