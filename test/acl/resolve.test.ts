import {expect, test} from 'vitest';
import {resolveSocketOwner} from '../../src/lib/acl/resolve.ts';
import {measuredNames} from './callers.ts';

const at = {file: '/d/p.conf', line: 3};
const LEFT = -1;

test.each([
  ['oc_u1', 'oc_g2', {uid: 65101, gid: 65202}, []],
  ['root', 'root', {uid: 0, gid: 0}, []],
  ['nosuch', 'oc_g1', {uid: LEFT, gid: 65201}, ['no such user: nosuch']],
  ['oc_u1', 'nosuch', {uid: 65101, gid: LEFT}, ['no such group: nosuch']],
  ['nosuch', 'none', {uid: LEFT, gid: LEFT}, ['no such user: nosuch', 'no such group: none']],
])('ControlsSocketOwner %s %s', (user, group, owner, unknown) => {
  expect(resolveSocketOwner({value: {user, group}, at}, measuredNames)).toEqual({
    owner,
    warnings: unknown.map((what) => ({at, message: `ControlsSocketOwner: ${what}, left as it is`})),
  });
});

test('without the directive the socket stays with whoever starts the server', () => {
  expect(resolveSocketOwner({value: null, at: null}, measuredNames)).toEqual({owner: null, warnings: []});
});
