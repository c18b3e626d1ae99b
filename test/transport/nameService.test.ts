import {execFileSync} from 'node:child_process';
import {describe, expect, it} from 'vitest';
import {nameService} from '../../src/lib/transport/nameService.ts';

/** `getent` asks the same name service. */
function getent(database: string, key: string): string[] {
  return execFileSync('getent', [database, key], {encoding: 'utf8'}).trim().split(':');
}

describe('nameService', () => {
  it.each(['root', 'daemon', 'nobody'])('knows the user %s as the system does', (name) => {
    const [, , uid, gid] = getent('passwd', name);
    expect(nameService.user(name)).toMatchObject({name, uid: Number(uid), gid: Number(gid)});
    expect(nameService.uid(name)).toBe(Number(uid));
    expect(nameService.userOf(Number(uid))?.name).toBe(name);
  });

  it.each(['root', 'daemon', 'nogroup'])('knows the group %s as the system does', (name) => {
    const [, , gid] = getent('group', name);
    expect(nameService.gid(name)).toBe(Number(gid));
    expect(nameService.groupName(Number(gid))).toBe(name);
  });

  it('knows nobody of a name or number there is not', () => {
    expect(nameService.uid('no-such-user')).toBeUndefined();
    expect(nameService.gid('no-such-group')).toBeUndefined();
    expect(nameService.uid('')).toBeUndefined();
    expect(nameService.user('0')).toBeUndefined();
    expect(nameService.userOf(4_123_456_789)).toBeUndefined();
    expect(nameService.groupName(4_123_456_789)).toBeUndefined();
  });
});
