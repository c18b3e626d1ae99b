import {type Reply, reply} from '../../reply/reply.ts';
import type {Handler, Session} from '../session.ts';
import {resolvePath, TreeError, timeValue} from '../tree/tree.ts';

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

async function enter(session: Session, path: string): Promise<void> {
  const {kind} = await session.tree.facts(path);
  if (kind !== 'directory') throw new TreeError('ENOTDIR');
  session.state.workingDirectory = path;
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

export const makeDirectory: Handler = (session, argument) => {
  const path = resolvePath(session.state.workingDirectory, argument);
  return replyForPath(argument, async () => {
    await session.tree.makeDirectory(path);
    return reply(257, `${quoted(path)} - Directory successfully created`);
  });
};

export const renameFrom: Handler = (session, argument) => {
  const path = resolvePath(session.state.workingDirectory, argument);
  return replyForPath(argument, async () => {
    await session.tree.facts(path);
    session.state.renameFrom = path;
    return reply(350, 'File or directory exists, ready for destination name');
  });
};

export const renameTo: Handler = (session, argument) => {
  const from = session.state.renameFrom;
  if (from === null) return reply(503, 'Bad sequence of commands');
  return replyForPath(argument, async () => {
    await session.tree.rename(from, resolvePath(session.state.workingDirectory, argument));
    return reply(250, 'Rename successful');
  });
};

/** RFC 3659 §4: the size as transferred; in ASCII that would take reading the file. */
export const size: Handler = (session, argument) => {
  if (session.state.type === 'A') return reply(550, 'SIZE not allowed in ASCII mode');
  return ofFile(session, argument, (facts) => String(facts.size));
};

export const modificationTime: Handler = (session, argument) =>
  ofFile(session, argument, (facts) => timeValue(facts.modified));

type Facts = Awaited<ReturnType<Session['tree']['facts']>>;

function ofFile(session: Session, argument: string, value: (facts: Facts) => string): Promise<Reply> {
  return replyForPath(argument, async () => {
    const facts = await session.tree.facts(resolvePath(session.state.workingDirectory, argument));
    if (facts.kind !== 'file') return reply(550, `${argument}: not a regular file`);
    return reply(213, value(facts));
  });
}
