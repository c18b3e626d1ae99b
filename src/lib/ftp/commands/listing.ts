import {posix} from 'node:path';
import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {type Reply, reply} from '../../reply/reply.ts';
import {CONTROLS, escapeControls} from '../../text.ts';
import type {Handler, Session} from '../session.ts';
import {type FileFacts, resolvePath, TreeError, writeFacts} from '../tree/tree.ts';
import {replyForPath} from './paths.ts';
import {type Carry, overDataConnection} from './transfer.ts';

const SIX_MONTHS = 180 * 24 * 60 * 60 * 1000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** LIST: the form of `ls -l` that every client's parser knows, times in UTC. */
export const list: Handler = (session, argument) => {
  const target = withoutOptions(argument);
  return sendLines(session, 'file list', target, async () => {
    const entries = await select(session, target);
    return entries.map((facts) => longForm(facts));
  });
};

/** NLST: bare names, with the path that was asked for in front, so that the client can fetch them. */
export const nameList: Handler = (session, argument) => {
  const target = withoutOptions(argument);
  return replyForPath(
    target,
    async () => {
      const entries = await select(session, target);
      const directory = await directoryPart(session, target);
      const names = entries.map((facts) => `${directory}${facts.name}`);
      return sendLines(session, 'file list', target, async () => names);
    },
    450,
  );
};

export const machineList: Handler = (session, argument) => {
  const path = resolvePath(session.state.workingDirectory, argument);
  return replyForPath(argument, async () => {
    const own = await session.tree.facts(path);
    if (own.kind !== 'directory') return reply(501, `${argument}: not a directory`);
    const entries = [...(await dotEntries(session, path, own)), ...(await session.tree.list(path))];
    return sendLines(session, 'MLSD', argument, async () =>
      entries.map((facts) => writeFacts(session.state.facts, facts, facts.name)),
    );
  });
};

/** RFC 3659 §7.2: one space before the facts. The formatter writes it. */
export const machineFacts: Handler = async (session, argument) => {
  const path = resolvePath(session.state.workingDirectory, argument);
  try {
    const facts = await session.tree.facts(path);
    const name = argument === '' ? path : argument;
    return reply(
      250,
      `Start of list for ${name}`,
      writeFacts(session.state.facts, facts, path),
      'End of list',
    );
  } catch (error) {
    if (error instanceof TreeError) return reply(550, `'${argument}' cannot be listed`);
    throw error;
  }
};

/** STAT with a path: a LIST on the control connection. 212 for a directory, 213 for a file (RFC 959 §4.2.2). */
export const status: Handler = (session, argument) => {
  const target = withoutOptions(argument);
  return replyForPath(
    target,
    async () => {
      const path = resolvePath(session.state.workingDirectory, target);
      const own = await session.tree.facts(path);
      const isFile = own.kind === 'file';
      const entries = isFile
        ? [own]
        : [...(await dotEntries(session, path, own)), ...(await session.tree.list(path))];
      const lines = entries.map((facts) => longForm(facts));
      return reply(isFile ? 213 : 212, `Status of ${target}:`, ...lines, 'End of status');
    },
    450,
  );
};

/**
 * The connection is opened before the listing is made: LIST of a missing file is a 150 and then a 450, as measured.
 * A name on disk may hold line ends, and what drives a terminal: it must make no entries of its own.
 */
function sendLines(
  session: Session,
  what: string,
  target: string,
  make: () => Promise<string[]>,
): Promise<Reply> {
  const carry: Carry = async (socket, signal) => {
    const lines = await make();
    const text = lines.map((line) => `${escapeControls(line, CONTROLS.reply)}\r\n`).join('');
    await pipeline(Readable.from([text]), socket, {signal});
  };
  const opening = `Opening ASCII mode data connection for ${what}`;
  return overDataConnection(session, opening, carry, ({message}) => reply(450, `${target}: ${message}`));
}

/** Clients send the options of ls(1), `LIST -al dir`. */
function withoutOptions(argument: string): string {
  return argument.replace(/^(-[A-Za-z1]+(\s+|$))+/, '');
}

/** The entries of a directory, the file itself, or the entries that a pattern in the last part matches (mget). */
async function select(session: Session, target: string): Promise<FileFacts[]> {
  const path = resolvePath(session.state.workingDirectory, target);
  const name = posix.basename(path);
  if (!/[*?]/.test(name)) return entriesAt(session, path);
  const entries = await session.tree.list(posix.dirname(path));
  const matching = entries.filter((facts) => matches(name, facts.name));
  if (matching.length === 0) throw new TreeError('ENOENT');
  return matching;
}

async function entriesAt(session: Session, path: string): Promise<FileFacts[]> {
  const own = await session.tree.facts(path);
  return own.kind === 'file' ? [own] : session.tree.list(path);
}

/** What of the target goes in front of each name: all of a directory, what is before the name of a file. */
async function directoryPart(session: Session, target: string): Promise<string> {
  if (target === '') return '';
  const path = resolvePath(session.state.workingDirectory, target);
  const isPattern = /[*?]/.test(posix.basename(path));
  if (!isPattern && (await session.tree.facts(path)).kind === 'directory') return target.replace(/\/*$/, '/');
  return target.slice(0, target.lastIndexOf('/') + 1);
}

/** `*` and `?`, in time proportional to pattern times name: a client chooses both. */
export function matches(pattern: string, name: string): boolean {
  let [p, n, star, retry] = [0, 0, -1, 0];
  while (n < name.length) {
    if (pattern[p] === '*') {
      [star, retry] = [p, n];
      p += 1;
    } else if (pattern[p] === '?' || pattern[p] === name[n]) {
      p += 1;
      n += 1;
    } else if (star !== -1) {
      retry += 1;
      [p, n] = [star + 1, retry];
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(p));
}

async function dotEntries(session: Session, path: string, own: FileFacts): Promise<FileFacts[]> {
  const parent = await session.tree.facts(posix.dirname(path));
  return [
    {...own, name: '.'},
    {...parent, name: '..'},
  ];
}

function longForm(facts: FileFacts): string {
  const links = facts.kind === 'directory' ? '2' : '1';
  const size = String(facts.size).padStart(8);
  return `${permissions(facts)} ${links.padStart(3)} ftp      ftp      ${size} ${shortTime(facts.modified)} ${facts.name}`;
}

function permissions({kind, mode}: FileFacts): string {
  const bits = [...'rwxrwxrwx'].map((letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'));
  return `${kind === 'directory' ? 'd' : '-'}${bits.join('')}`;
}

function shortTime(time: Date): string {
  const day = `${MONTHS[time.getUTCMonth()]} ${String(time.getUTCDate()).padStart(2)}`;
  const recent = Math.abs(Date.now() - time.getTime()) < SIX_MONTHS;
  return recent ? `${day} ${time.toISOString().slice(11, 16)}` : `${day}  ${time.getUTCFullYear()}`;
}
