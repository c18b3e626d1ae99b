import {type Reply, reply} from '../../reply/reply.ts';
import type {Handler, Session} from '../session.ts';
import {type FileFacts, resolvePath, TreeError, timeValue} from '../tree/tree.ts';

/** Run something about the file that the client called `name`; a tree's error becomes `550 name: what is wrong`. */
export async function replyForPath(name: string, act: () => Promise<Reply>, code = 550): Promise<Reply> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof TreeError)) throw error;
    return reply(error.code === 'ENOSPC' ? 552 : code, `${name}: ${error.message}`);
  }
}

/** RFC 959 Appendix II: a quote within the path is doubled. */
function quoted(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}

export const printWorkingDirectory: Handler = (session) =>
  reply(257, `${quoted(session.state.workingDirectory)} is the current directory`);

/** The working directory is where a link has led to, as for ProFTPD's `getcwd(3)`; a link without end leads nowhere. */
async function enter(session: Session, path: string): Promise<void> {
  const {kind} = await session.tree.facts(path).catch((error: unknown) => {
    throw error instanceof TreeError && error.code === 'ELOOP' ? new TreeError('ENOENT', error) : error;
  });
  if (kind !== 'directory') throw new TreeError('ENOTDIR');
  session.state.workingDirectory = await session.tree.realPath(path);
}

/** CWD, CDUP and their X variants say their own name. */
export const changeDirectory =
  (verb: string): Handler =>
  (session, argument) =>
    replyForPath(argument, async () => {
      await enter(session, resolvePath(session.state.workingDirectory, argument));
      return reply(250, `${verb} command successful`);
    });

export const changeUp =
  (verb: string): Handler =>
  (session) =>
    changeDirectory(verb)(session, '..');

/** Something done to one path, answered with the command's name. */
const change =
  (verb: string, act: (session: Session, path: string) => Promise<void>): Handler =>
  (session, argument) =>
    replyForPath(argument, async () => {
      await act(session, resolvePath(session.state.workingDirectory, argument));
      return reply(250, `${verb} command successful`);
    });

export const remove = change('DELE', (session, path) => session.tree.remove(path));

export const removeDirectory = (verb: string): Handler =>
  change(verb, (session, path) => session.tree.removeDirectory(path));

/** ProFTPD makes no directory that `RMD *` could not mean alone. */
export const makeDirectory: Handler = (session, argument) => {
  if (argument.includes('*')) return reply(550, `${argument}: Invalid directory name`);
  const path = resolvePath(session.state.workingDirectory, argument);
  return replyForPath(argument, async () => {
    await session.tree.makeDirectory(path);
    return reply(257, `${quoted(path)} - Directory successfully created`);
  });
};

export const renameFrom: Handler = (session, argument) => {
  const path = resolvePath(session.state.workingDirectory, argument);
  return replyForPath(argument, async () => {
    await session.tree.ownFacts(path);
    session.state.renameFrom = {path};
    return reply(350, 'File or directory exists, ready for destination name');
  });
};

export const renameTo: Handler = (session, argument) => {
  const from = session.state.renameFrom?.path ?? null;
  if (from === null) return reply(503, 'Bad sequence of commands');
  return replyForPath(argument, async () => {
    await session.tree.rename(from, resolvePath(session.state.workingDirectory, argument)).catch(onlyFiles);
    return reply(250, 'Rename successful');
  });
};

/** A file in place of a directory is not permitted to ProFTPD; to rename(2) that is `Is a directory`. */
function onlyFiles(error: unknown): never {
  throw error instanceof TreeError && error.code === 'EISDIR' ? new TreeError('EPERM', error) : error;
}

/** RFC 3659 §4: the size as transferred; in ASCII that would take reading the file. */
export const size: Handler = (session, argument) => {
  if (session.state.type === 'A') return reply(550, 'SIZE not allowed in ASCII mode');
  return ofFile(session, argument, 'regular', (facts) => String(facts.size));
};

export const modificationTime: Handler = (session, argument) =>
  ofFile(session, argument, 'plain', (facts) => timeValue(facts.modified));

function ofFile(
  session: Session,
  argument: string,
  word: 'regular' | 'plain',
  value: (facts: FileFacts) => string,
): Promise<Reply> {
  return replyForPath(argument, async () => {
    const facts = await session.tree.facts(resolvePath(session.state.workingDirectory, argument));
    if (facts.kind !== 'file') return reply(550, `${argument}: not a ${word} file`);
    return reply(213, value(facts));
  });
}
