import {describe, expect, test} from 'vitest';
import {formatReply, reply} from '../../src/lib/reply/reply.ts';

describe('formatReply', () => {
  test.each([
    ['one line', reply(200, 'NOOP command successful'), '200 NOOP command successful\r\n'],
    [
      'two lines',
      reply(200, 'NOOP command successful', 'Hello'),
      '200-NOOP command successful\r\n200 Hello\r\n',
    ],
    [
      'lines in between',
      reply(211, 'Features:', 'EPRT', 'EPSV', 'End'),
      '211-Features:\r\n EPRT\r\n EPSV\r\n211 End\r\n',
    ],
    ['a line that looks like an end', reply(211, 'a', '211 b', 'c'), '211-a\r\n 211 b\r\n211 c\r\n'],
    [
      'a path with line ends',
      reply(550, 'a\r\n221 b: No such file'),
      '550 a\\x0d\\x0a221 b: No such file\r\n',
    ],
    ['an empty line', reply(200, ''), '200 \r\n'],
  ])('%s', (_name, given, wire) => {
    expect(formatReply(given)).toBe(wire);
  });
});
