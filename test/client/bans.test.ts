import {describe, expect, test} from 'vitest';
import {type Ban, bansIn} from '../../src/lib/client/bans.ts';

const SOMEONE: Ban = {who: 'bob', kind: 'user', since: null, until: null, reason: null, server: null};
const at = (text: string) => Date.parse(text);

/** Answers of mod_ban 0.8 of ProFTPD 1.3.8, as they were measured. */
test.each<[string, string[], Ban[]]>([
  ['none', ['No bans'], []],
  [
    'of each kind, in short',
    ['Banned Users:', '  bob', '', 'Banned Hosts:', '  192.0.2.7', '', 'Banned Classes:', '  guests'],
    [SOMEONE, {...SOMEONE, who: '192.0.2.7', kind: 'host'}, {...SOMEONE, who: 'guests', kind: 'class'}],
  ],
  [
    'by hand',
    [
      'Banned Users:',
      '  a  b',
      "    Reason: requested by 'root' on Sat Nov 28 18:00:18 2026",
      '    Expires: never',
    ],
    [{...SOMEONE, who: 'a  b', since: at('2026-11-28T18:00:18'), reason: "requested by 'root'"}],
  ],
  [
    'by a rule, for one server and a time',
    [
      'Banned Hosts:',
      '  127.0.0.1',
      '    Reason: MaxLoginAttempts autoban at Sun Nov  1 08:01:12 2026',
      '    Expires: Sun Nov  1 09:01:12 2026 (in 3597 seconds)',
      '    <VirtualHost>: my (own) server (127.0.0.1#24873)',
    ],
    [
      {
        who: '127.0.0.1',
        kind: 'host',
        since: at('2026-11-01T08:01:12'),
        until: at('2026-11-01T09:01:12'),
        reason: 'MaxLoginAttempts autoban',
        server: '127.0.0.1#24873',
      },
    ],
  ],
  [
    'users at one host, below the users',
    ['Banned Users:', '  x', '  dave@127.0.0.1', '  me@example.org'],
    [
      {...SOMEONE, who: 'x'},
      {...SOMEONE, who: 'dave@127.0.0.1', kind: 'user@host'},
      {...SOMEONE, who: 'me@example.org'},
    ],
  ],
  [
    'and by themselves',
    ['Banned User@Hosts:', '  dave@127.0.0.1'],
    [{...SOMEONE, who: 'dave@127.0.0.1', kind: 'user@host'}],
  ],
  ['with a line that is not known', ['Banned Users:', '  bob', '    Colour: red'], [SOMEONE]],
])('%s', (_what, lines, bans) => expect(bansIn(lines)).toEqual(bans));

describe('no list of bans', () => {
  test.each([
    [['access denied']],
    [['mod_ban/0.8 not enabled']],
    [['  bob']],
    [['Banned Users:', '    Reason: who?']],
    [['Banned Users:']],
    [[]],
  ])('%j', (lines) => expect(bansIn(lines)).toBeUndefined());
});
