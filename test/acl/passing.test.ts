import {describe, expect, test} from 'vitest';
import {mayConnect, mayRun} from '../../src/lib/acl/evaluate.ts';
import {intersection, inWords, passingAcl, passingSocket} from '../../src/lib/acl/passing.ts';
import {parseVersion} from '../../src/lib/protocol/version.ts';
import {controlOf} from './callers.ts';

/** Every list of at most two names, and that there is none. */
const LISTS = (kind: 'user' | 'group', [a, b]: readonly [string, string]): readonly (string | null)[] => [
  null,
  ...['allow', 'deny'].flatMap((effect) =>
    ['*', a, b, `${a},${b}`].map((list) => `${effect} ${kind} ${list}`),
  ),
];
const USER_LISTS = LISTS('user', ['oc_u1', 'oc_u2']);
const GROUP_LISTS = LISTS('group', ['oc_g1', 'oc_g2']);
const UIDS = [65101, 65102, 7];
const GIDS = [65201, 65202, 7];
const CALLERS = UIDS.flatMap((uid) => GIDS.map((gid) => ({uid, gid})));

type Populations = ReturnType<typeof passingAcl>;
type Passing = Populations[number]['users'];

const takes = ({kind, members}: Passing, id: number) =>
  members.some((each) => each.id === id) === (kind === 'only');

/** The callers of a population, one character each. */
const extent = ({users, groups}: Populations[number]) =>
  CALLERS.map(({uid, gid}) => (takes(users, uid) && takes(groups, gid) ? '+' : '-')).join('');

const isWithin = (a: string, b: string) => [...a].every((char, index) => char === '-' || b[index] === '+');

/** None is empty, and none part of another: what is said of them in words says nothing twice. */
function expectSimplest(populations: Populations): void {
  const extents = populations.map(extent);
  for (const [index, each] of extents.entries()) {
    expect(each).toContain('+');
    expect(extents.filter((other, at) => at !== index && isWithin(each, other))).toEqual([]);
  }
}

const controlWith = (directive: string, user: string | null, group: string | null) =>
  controlOf([user, group].flatMap((each) => (each === null ? [] : [`${directive} ${each}`])));

const ACLS = USER_LISTS.flatMap((user) =>
  GROUP_LISTS.map((group) => controlWith('MessageControlsACLs msg', user, group).actions.get('msg')!),
);
/** Of a ControlsSocketACL the last counts, whichever kind it is: there is one list. */
const SOCKETS = [
  ...USER_LISTS.map((user) => controlWith('ControlsSocketACL', user, null)),
  ...GROUP_LISTS.map((group) => controlWith('ControlsSocketACL', null, group)),
  controlOf([], {version: parseVersion('1.3.8')}),
  controlOf(['ControlsEngine off']),
].map(({socket}) => socket);

describe('what is said of who passes is what mayRun decides, for every list and every caller', () => {
  test.each(SOCKETS.map((socket) => [inWords(passingSocket(socket)), socket] as const))('%s', (_, socket) => {
    const connecting = passingSocket(socket);
    expectSimplest(connecting);
    for (const acl of ACLS) {
      const control = {socket, actions: new Map([['msg', acl]]), rules: []};
      const running = intersection(connecting, passingAcl(acl));
      expectSimplest(running);
      const said = CALLERS.map((_, index) => running.some((each) => extent(each)[index] === '+'));
      expect(said).toEqual(CALLERS.map((caller) => mayRun(control, 'msg', caller)));
    }
    const admitted = CALLERS.map((_, index) => connecting.some((each) => extent(each)[index] === '+'));
    const control = {socket, actions: new Map(), rules: []};
    expect(admitted).toEqual(CALLERS.map((caller) => mayConnect(control, caller)));
  });
});
