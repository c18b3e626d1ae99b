import {constants} from 'node:os';
import {getSystemErrorName} from 'node:util';
import {FtpdctlError} from '../errors.ts';
import {koffi, libc} from './libc.ts';

/** A user, as far as controls are concerned. */
export interface UserEntry {
  readonly name: string;
  readonly uid: number;
  /** Primary group. */
  readonly gid: number;
}

// The first members are the same on Linux and FreeBSD; those that follow are not looked at.
const passwd = koffi.struct({name: 'str', password: 'str', uid: 'uint32_t', gid: 'uint32_t'});
const group = koffi.struct({name: 'str', password: 'str', gid: 'uint32_t'});
const calls = {
  getpwnam: libc.func('getpwnam', koffi.pointer(passwd), ['str']),
  getpwuid: libc.func('getpwuid', koffi.pointer(passwd), ['uint32_t']),
  getgrnam: libc.func('getgrnam', koffi.pointer(group), ['str']),
  getgrgid: libc.func('getgrgid', koffi.pointer(group), ['uint32_t']),
};

/**
 * What getpwnam(3) says when it could not find out; anything else beside a null pointer means "no such name". The
 * difference matters: a list that denies a user must not lose the name because the directory server is away.
 */
const FAILURES: ReadonlySet<number> = new Set(
  (['EAGAIN', 'EINTR', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'ERANGE', 'ETIMEDOUT'] as const).map(
    (name) => constants.errno[name],
  ),
);

/**
 * The system's users and groups through NSS, so that those of LDAP and SSSD count. Looks up at once, and blocks for as
 * long as the system takes.
 *
 * Each throws FtpdctlError `NAME_SERVICE` when the system cannot say.
 */
export const nameService = {
  uid: (name: string): number | undefined => nameService.user(name)?.uid,
  gid: (name: string): number | undefined => look('getgrnam', group, name)?.['gid'],
  user: (name: string): UserEntry | undefined => look('getpwnam', passwd, name) as UserEntry | undefined,
  userOf: (uid: number): UserEntry | undefined => look('getpwuid', passwd, uid) as UserEntry | undefined,
  groupName: (gid: number): string | undefined => look('getgrgid', group, gid)?.['name'],
};

function look(call: keyof typeof calls, type: typeof passwd, key: string | number) {
  koffi.errno(0);
  const found: unknown = calls[call](key);
  if (found !== null) return koffi.decode(found, type);
  const errno = koffi.errno();
  if (!FAILURES.has(errno)) return undefined;
  const why = `${call} says ${getSystemErrorName(-errno)}`;
  throw new FtpdctlError('NAME_SERVICE', `cannot look up ${JSON.stringify(key)}: ${why}`, 1, {
    hint: 'the name service of this system (see nsswitch.conf) does not answer: try again',
  });
}
