import {posix} from 'node:path';
import {type Reply, reply} from '../../reply/reply.ts';
import type {Handler, Session} from '../session.ts';
import {resolvePath, TreeError} from '../tree/tree.ts';
import {replyForPath} from './paths.ts';

/** No set-uid, set-gid or sticky bit: anybody may log in, and on disk a file that comes in belongs to whoever runs this. */
const MAX_MODE = 0o777;

/** @param argument what follows `SITE CHMOD` */
export const changeMode: Handler = (session, argument) => {
  const [mode = '', ...path] = argument.split(' ').filter((word) => word !== '');
  // ProFTPD answers twice, in one reply.
  if (path.length === 0)
    return reply(500, `'SITE ${`CHMOD ${mode}`.trim()}' not understood`, 'SITE not understood');
  const change = modeChange(mode);
  const name = path.join(' ');
  if (change === undefined) return reply(550, `'${mode}': invalid mode`);
  return replyForPath(name, async () => {
    await setMode(session, resolvePath(session.state.workingDirectory, name), change);
    return reply(200, 'SITE CHMOD command successful');
  });
};

type ModeChange = (before: number) => number;

async function setMode({tree}: Session, path: string, change: ModeChange): Promise<void> {
  const after = change((await tree.facts(path)).mode);
  if (after > MAX_MODE) throw new TreeError('EPERM');
  await tree.changeMode(path, after);
}

/** To MFMT and MFF `~` is a name, as ProFTPD has it. */
function resolveLiterally({state}: Session, name: string): string {
  return posix.resolve('/', state.workingDirectory, name);
}

/** Octal, or one clause of chmod(1): `u+x`, `go-r`, `=rw`. Without whom it is for all. `=` clears what others have, too. */
function modeChange(text: string): ModeChange | undefined {
  if (/^[0-7]+$/.test(text)) return () => Number.parseInt(text, 8);
  const [, whom = '', sign = '', what = ''] = /^([ugoa]*)([-+=])([rwxst]+)$/.exec(text) ?? [];
  if (sign === '') return undefined;
  const letters = whom === '' || whom.includes('a') ? 'ugo' : whom;
  const bits = [...letters].reduce((all, letter) => all | bitsOf(letter, what), 0);
  if (sign === '=') return () => bits;
  return (before) => (sign === '+' ? before | bits : before & ~bits);
}

function bitsOf(whom: string, what: string): number {
  const shift = {u: 6, g: 3}[whom] ?? 0;
  const own = [...what].reduce((bits, letter) => bits | ({r: 4, w: 2, x: 1}[letter] ?? 0), 0) << shift;
  const special =
    (what.includes('s') ? ({u: 0o4000, g: 0o2000}[whom] ?? 0) : 0) | (what.includes('t') ? 0o1000 : 0);
  return own | special;
}

/** draft-somers-ftp-mfxx §3: YYYYMMDDHHMMSS, and perhaps a fraction, which is dropped. */
const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?$/;

/** `undefined`: there was no such second, or not since 1970. */
function timeOf(text: string): Date | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = TIME.exec(text)!
    .slice(1)
    .map(Number);
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const isReal = time.getUTCMonth() === month - 1 && time.getUTCDate() === day && time.getUTCHours() === hour;
  return isReal && minute < 60 && time.getTime() >= 0 ? time : undefined;
}

const MISSING = reply(501, 'Invalid number of parameters');
const invalid = (what: string): Reply => reply(501, `${what}: Invalid argument`);

export const setTime: Handler = (session, argument) => {
  const [, text = '', path = ''] = /^(\S+) (.+)$/s.exec(argument) ?? [];
  if (path === '') return MISSING;
  if (!TIME.test(text)) return invalid(text);
  const time = timeOf(text);
  if (time === undefined) return invalid(path);
  return replyForFacts(path, async () => {
    await session.tree.setModified(resolveLiterally(session, path), time);
    return reply(213, `Modify=${text.slice(0, 14)}; ${path}`);
  });
};

/** Of a link that goes round ProFTPD says here, and nowhere else, that the parameters are wrong. */
function replyForFacts(path: string, act: () => Promise<Reply>): Promise<Reply> {
  return replyForPath(path, async () => {
    try {
      return await act();
    } catch (error) {
      if (error instanceof TreeError && error.code === 'ELOOP')
        return reply(501, `${path}: ${error.message}`);
      throw error;
    }
  });
}

type FactChange = (session: Session, path: string) => Promise<void>;

/** `fact=value;fact=value; path`: all of it is checked before any of it is done. */
export const setFacts: Handler = (session, argument) => {
  const [, facts = '', path = ''] = /^(\S+) (.+)$/s.exec(argument) ?? [];
  if (path === '') return MISSING;
  if (!facts.endsWith(';')) return reply(550, `${facts}: Invalid argument`);
  const changes: FactChange[] = [];
  for (const fact of facts.slice(0, -1).split(';')) {
    const change = factChange(fact, path);
    if (typeof change !== 'function') return change;
    changes.push(change);
  }
  return replyForFacts(path, async () => {
    const resolved = resolveLiterally(session, path);
    await session.tree.facts(resolved);
    for (const change of changes) await change(session, resolved);
    return reply(213, `${facts} ${path}`);
  });
};

function factChange(fact: string, path: string): FactChange | Reply {
  const [name = '', value = ''] = fact.split('=', 2);
  if (name.toLowerCase() === 'modify') {
    if (!TIME.test(value)) return invalid(value);
    const time = timeOf(value);
    if (time === undefined) return invalid(path);
    return ({tree}, of) => tree.setModified(of, time);
  }
  if (name.toLowerCase() === 'unix.mode') {
    if (!/^[0-7]+$/.test(value)) return invalid(path);
    return (session, of) => setMode(session, of, () => Number.parseInt(value, 8));
  }
  return reply(504, `Cannot modify fact '${fact}'`);
}
