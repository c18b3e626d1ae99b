import {posix} from 'node:path';
import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {setImmediate as nextTurn} from 'node:timers/promises';
import {type Reply, reply} from '../../reply/reply.ts';
import {CONTROLS, escapeControls} from '../../text.ts';
import {DataSender} from '../data/dataSender.ts';
import {octetsOf} from '../octets.ts';
import type {Handler, Session} from '../session.ts';
import {type FileFacts, resolvePath, TreeError, withHome, writeFacts} from '../tree/tree.ts';
import {type Entry, inColumns, isHidden, isShown, lineOf, sorted} from './entries.ts';
import {type ListOptions, parseListArgument, withoutOptions} from './listOptions.ts';
import {replyForPath} from './paths.ts';
import {expand, isPattern} from './pattern.ts';
import {type Carry, opening, overDataConnection} from './transfer.ts';

type Lines = AsyncIterable<string>;

/** LIST: the form of `ls -l` that every client's parser knows, times in UTC. */
export const list: Handler = async (session, argument) => {
  const {options, path} = await parse(session, argument);
  return sendLines(session, 'file list', path, listed(session, path, options));
};

async function* listed(session: Session, argument: string, options: ListOptions): Lines {
  const path = withHome(argument);
  if (isPattern(path) && !(await isThere(session, path))) {
    yield* eachOf(session, await expand(session.tree, session.state.workingDirectory, path), options);
    return;
  }
  const own = await entryOf(session, path, options).catch((error: unknown) => {
    if (path === '') return undefined;
    throw error;
  });
  // The working directory has been removed: there is nothing in it.
  if (own === undefined) return;
  if (own.facts.kind === 'directory' && !options.directory) yield* contentOf(session, path, options);
  else yield* linesOf(session, [own], options);
}

/** Each as an entry, directories too; with `-R` those are listed behind the others. */
async function* eachOf(session: Session, paths: readonly string[], options: ListOptions): Lines {
  const entries: Entry[] = [];
  const directories: string[] = [];
  for (const path of paths) {
    const leadsTo = await factsOf(session, path).catch(() => undefined);
    if (options.recursive && !options.directory && leadsTo?.kind === 'directory') directories.push(path);
    else entries.push({name: path, facts: await session.tree.ownFacts(absolute(session, path))});
  }
  yield* linesOf(session, entries, options);
  for (const path of directories.sort()) {
    if (isHidden(posix.basename(path), options)) continue;
    yield* ['', `${path}:`];
    yield* contentOf(session, path, options);
  }
}

/** A directory that is to be listed, and those that it was reached through, without links. */
interface Found {
  readonly path: string;
  readonly above: readonly string[];
}

/** A directory, and with `-R` what is below it, each behind its name. One after the other, and not one within the other. */
async function* contentOf(session: Session, top: string, options: ListOptions): Lines {
  const left: Found[] = [{path: top, above: []}];
  for (let found = left.pop(); found !== undefined; found = left.pop()) {
    const entries = await entriesOf(session, found.path);
    if (found.path !== top) yield* ['', `${found.path}:`];
    yield* linesOf(session, entries, options);
    if (options.recursive && options.form === 'long')
      left.push(...(await directoriesIn(session, found, entries, options)).reverse());
    // A tree in memory is read without waiting for anything: a large one must not delay the other sessions.
    await nextTurn();
  }
}

async function directoriesIn(
  session: Session,
  {path, above}: Found,
  entries: readonly Entry[],
  options: ListOptions,
): Promise<Found[]> {
  const here = options.followed ? [...above, await session.tree.realPath(absolute(session, path))] : above;
  const found: Found[] = [];
  for (const {name, facts} of sorted(entries, {...options, sorted: 'name', reversed: false})) {
    if (name === '.' || name === '..' || !isShown({name, facts}, options)) continue;
    const inner = path === '' || path === '.' ? name : `${path.replace(/\/+$/, '')}/${name}`;
    if (await isEntered(session, inner, facts, options, here)) found.push({path: inner, above: here});
  }
  return found;
}

/** No directory is listed again within itself. */
async function isEntered(
  session: Session,
  path: string,
  {kind}: FileFacts,
  options: ListOptions,
  above: readonly string[],
): Promise<boolean> {
  if (kind === 'directory') return true;
  if (kind !== 'link' || !options.followed) return false;
  const behind = await factsOf(session, path).catch(() => undefined);
  return (
    behind?.kind === 'directory' && !above.includes(await session.tree.realPath(absolute(session, path)))
  );
}

/** The lines of entries that are shown, in order. */
async function* linesOf(session: Session, entries: readonly Entry[], options: ListOptions): Lines {
  const shown: Entry[] = [];
  for (const entry of entries) {
    if (!isShown(entry, options)) continue;
    const followed = options.followed || options.marked;
    const behind =
      followed && entry.facts.kind === 'link'
        ? await factsOf(session, pathOf(entry)).catch(() => undefined)
        : undefined;
    if (options.followed && entry.facts.kind === 'link') {
      if (behind !== undefined) shown.push({...entry, facts: behind});
    } else {
      shown.push(behind === undefined ? entry : {...entry, behind});
    }
  }
  const ordered = sorted(shown, options).map((entry) => lineOf(entry, options));
  yield* options.form === 'columns' && options.sorted !== 'not' ? inColumns(ordered) : ordered;
}

const pathOf = ({name, path = name}: Entry): string => path;

/** NLST: bare names, with the path that was asked for in front, so that the client can fetch them. No option but `-a` and `-A`. */
export const nameList: Handler = async (session, argument) => {
  const {options, path} = await parse(session, argument);
  return replyForPath(
    argument,
    async () => {
      const names = await namesOf(session, withHome(path), options);
      if (names === undefined) return reply(450, 'No files found');
      return sendLines(session, 'file list', argument, lines(names));
    },
    450,
  );
};

/** `undefined`: nothing matches. */
async function namesOf(session: Session, path: string, options: ListOptions): Promise<string[] | undefined> {
  if (isPattern(path) && !(await isThere(session, path))) {
    const matching: string[] = [];
    for (const found of await expand(session.tree, session.state.workingDirectory, path)) {
      const kind = (await factsOf(session, found).catch(() => undefined))?.kind;
      if (kind === 'file' || kind === 'directory') matching.push(found);
    }
    return matching.length > 0 ? matching : undefined;
  }
  const {kind} = await factsOf(session, path);
  const clean = path === '' ? '' : posix.normalize(path).replace(/(?<=[^/])\/$/, '');
  if (kind === 'file') return [clean];
  if (kind !== 'directory') throw new TreeError('ENOTREG');
  const prefix = clean === '' || clean === '.' ? '' : clean === '/' ? '/' : `${clean}/`;
  const names: string[] = [];
  for (const {name, facts} of await entriesOf(session, path)) {
    if (!isHidden(name, options) && (facts.kind !== 'link' || (await leadsSomewhere(session, path, facts))))
      names.push(`${prefix}${name}`);
  }
  return names;
}

/** ProFTPD looks one link far: where that one says a name is. */
async function leadsSomewhere(
  session: Session,
  directory: string,
  {target = ''}: FileFacts,
): Promise<boolean> {
  const path = posix.resolve(absolute(session, directory), target);
  return session.tree.ownFacts(path).then(
    () => true,
    () => false,
  );
}

export const machineList: Handler = (session, argument) => {
  const path = resolveLiterally(session, argument);
  return replyForPath(argument, async () => {
    const {kind} = await session.tree.facts(path);
    if (kind !== 'directory') return reply(550, `'${argument}' is not a directory`);
    const entries = await whatIsThere(session, await entriesAt(session, path));
    const {facts: chosen} = session.state;
    return sendLines(
      session,
      'MLSD',
      argument,
      lines(entries.map(({facts, name}) => writeFacts(chosen, facts, name))),
    );
  });
};

/** MLSD leaves out links that lead nowhere. */
async function whatIsThere(session: Session, entries: readonly Entry[]): Promise<Entry[]> {
  const there: Entry[] = [];
  for (const entry of entries) {
    const isLost =
      entry.facts.kind === 'link' && !(await factsOf(session, pathOf(entry)).catch(() => undefined));
    if (!isLost) there.push(entry);
  }
  return there;
}

/** RFC 3659 §7.2: one space before the facts. The formatter writes it. Of a link its own facts, and the type of what it leads to. */
export const machineFacts: Handler = async (session, argument) => {
  const path = resolveLiterally(session, argument);
  try {
    const behind = await session.tree.facts(path);
    const own = await session.tree.ownFacts(path);
    const name = argument === '' ? path : argument;
    const type = behind.kind === 'directory' ? 'dir' : 'file';
    return reply(
      250,
      `Start of list for ${name}`,
      writeFacts(session.state.facts, own, path, type),
      'End of list',
    );
  } catch (error) {
    if (error instanceof TreeError) return reply(550, `'${argument}' cannot be listed`);
    throw error;
  }
};

/** To MLSD, MLST and STAT `~` is a name, as ProFTPD has it. */
function resolveLiterally(session: Session, argument: string): string {
  return posix.resolve('/', session.state.workingDirectory, argument);
}

/** STAT with a path: a LIST -a on the control connection. 212 for a directory, 213 for a file (RFC 959 §4.2.2), and for a link. */
export const status: Handler = async (session, argument) => {
  const parsed = await parse(session, argument);
  const target = parsed.path.trimStart() || '.';
  const options: ListOptions = {...parsed.options, hidden: 'all', form: 'long', recursive: false};
  return replyForPath(
    target,
    async () => {
      const path = resolveLiterally(session, target);
      const isDirectory = (await session.tree.facts(path)).kind === 'directory';
      const own = await session.tree.ownFacts(path);
      const entries = isDirectory ? await entriesAt(session, path) : [{name: target, facts: own}];
      const code = own.kind === 'directory' ? 212 : 213;
      const text: string[] = [];
      for await (const line of linesOf(session, entries, options)) text.push(line);
      return reply(code, `Status of ${target}:`, ...text, 'End of status');
    },
    450,
  );
};

/** Octets of a listing that are sent in one piece. */
const PIECE = 64 * 1024;

/**
 * The connection is opened before the listing is made: LIST of a missing file is a 150 and then a 450, as measured. The
 * listing is made while it is sent, one directory after the other.
 */
function sendLines(session: Session, what: string, target: string, text: Lines): Promise<Reply> {
  const carry: Carry = (socket, signal) =>
    pipeline([Readable.from(pieces(text), {objectMode: false}), new DataSender(socket)], {signal});
  return overDataConnection(session, opening(session, what), carry, ({message}) =>
    reply(450, `${target}: ${message}`),
  );
}

async function* pieces(text: Lines): AsyncIterable<Buffer> {
  let piece = '';
  for await (const line of text) {
    piece += `${escapeControls(line, CONTROLS.name)}\r\n`;
    if (piece.length < PIECE) continue;
    yield octetsOf(piece);
    piece = '';
  }
  if (piece !== '') yield octetsOf(piece);
}

async function* lines(texts: readonly string[]): Lines {
  yield* texts;
}

/** A path that begins with a dash and is there is no option. */
async function parse(session: Session, argument: string): Promise<{options: ListOptions; path: string}> {
  const isName = argument.startsWith('-') && (await isThere(session, argument));
  return isName ? withoutOptions(argument) : parseListArgument(argument);
}

function absolute(session: Session, path: string): string {
  return resolvePath(session.state.workingDirectory, path);
}

async function isThere(session: Session, path: string): Promise<boolean> {
  return session.tree.ownFacts(absolute(session, path)).then(
    () => true,
    () => false,
  );
}

function factsOf(session: Session, path: string): Promise<FileFacts> {
  return session.tree.facts(absolute(session, path));
}

/** What is at a path: with `-d` a link itself, and otherwise what it leads to if that is a directory. */
async function entryOf(session: Session, path: string, options: ListOptions): Promise<Entry> {
  const behind = await factsOf(session, path);
  const own = await session.tree.ownFacts(absolute(session, path));
  const isBehind = behind.kind === 'directory' && !options.directory;
  return {name: path === '' ? '.' : path, facts: isBehind ? behind : own};
}

async function entriesOf(session: Session, path: string): Promise<Entry[]> {
  return entriesAt(session, absolute(session, path));
}

/** What is in a directory, and the two names that every directory has. */
async function entriesAt({tree}: Session, path: string): Promise<Entry[]> {
  const own = await tree.facts(path);
  const parent = await tree.facts(posix.dirname(await tree.realPath(path)));
  const found = await tree.list(path);
  return [{...own, name: '.'}, {...parent, name: '..'}, ...found].map((facts) => ({
    name: facts.name,
    path: posix.join(path, facts.name),
    facts,
  }));
}
