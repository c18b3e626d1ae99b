import {describe, expect, test} from 'vitest';
import {unreachable} from '../../src/lib/fleet/errors.ts';
import {gather, type HostReport} from '../../src/lib/fleet/gather.ts';

const report = (host: string, lines: string[], more: Partial<HostReport> = {}): HostReport => ({
  host,
  address: host,
  lines,
  errors: [],
  exitStatus: 0,
  failed: false,
  ...more,
});
const told = (reports: readonly HostReport[]) =>
  gather(reports).flatMap(({hosts, lines, errors}) =>
    [...lines, ...errors].map((line) => `${hosts}: ${line}`),
  );

describe('identical answers are folded', () => {
  test('first what went well, then what did not, then who gave none', () => {
    const reports = [
      report('ftp01', [], {errors: ['no connection'], exitStatus: 69, failed: true}),
      report('ftp02', ['access denied'], {exitStatus: 2}),
      report('ftp03', ['message sent']),
      report('ftp05', ['message sent']),
      report('ftp04', ['message sent']),
    ];
    expect(told(reports)).toEqual([
      'ftp[03-05]: message sent',
      'ftp02: access denied',
      'ftp01: no connection',
    ]);
  });

  test('numbers of sessions are added up', () => {
    const reports = [3, 1, 0].map((count, at) =>
      report(`ftp${at}`, ['message sent', `taken by ${count} session${count === 1 ? '' : 's'}`]),
    );
    expect(told(reports)).toEqual(['ftp[0-2]: message sent', 'ftp[0-2]: taken by 4 sessions in all']);
    const ended = ['ended 1 of 2 sessions', 'ended 0 of 1 session'].map((line, at) =>
      report(`a${at}`, [line]),
    );
    expect(told(ended)).toEqual(['a[0-1]: ended 1 of 3 sessions in all']);
    expect(told([report('a', ['taken by 1 session'])])).toEqual(['a: taken by 1 session']);
    const many = ['a', 'b'].map((host) => report(host, ['taken by 99999999999999999999 sessions']));
    expect(told(many)).toEqual(['a,b: taken by 99999999999999999999 sessions']);
  });

  test('other numbers count, and so does the exit status', () => {
    expect(told([report('a', ['port 21']), report('b', ['port 22'])])).toHaveLength(2);
    expect(told([report('a', ['x']), report('b', ['x'], {exitStatus: 1})])).toEqual(['a: x', 'b: x']);
  });

  test("what ssh says of a host is the same for each, but for the host's name", () => {
    const reports = ['ftp1', 'ftp2'].map((host) =>
      report(`dave@${host}:22`, [], {
        address: host,
        errors: [`ssh: connect to host ${host} port 22: Connection refused`],
        exitStatus: 69,
        failed: true,
      }),
    );
    expect(told(reports)).toEqual([
      'dave@ftp[1-2]:22: ssh: connect to host ftp[1-2] port 22: Connection refused',
    ]);
  });
});

test.each([
  [
    'ssh: connect to host h port 22: Connection refused\r\n',
    'ssh: connect to host h port 22: Connection refused',
  ],
  ['Banner\nPermission denied (publickey).\n', 'Banner; Permission denied (publickey)'],
  [
    '@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@@@\nIT IS POSSIBLE\nOffending RSA key in /k:3\nHost key verification failed.\n',
    'REMOTE HOST IDENTIFICATION HAS CHANGED!; Offending RSA key in /k:3; Host key verification failed',
  ],
  ['', 'ssh ended with 255 and said nothing'],
])("ssh's own words are kept: %j", (said, message) => {
  expect(unreachable('h', said, 255)).toMatchObject({message, exitStatus: 69, mayBeDone: false});
});
