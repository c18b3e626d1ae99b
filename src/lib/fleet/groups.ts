import {createReadStream} from 'node:fs';
import {reasonOf} from '../errors.ts';
import {readTrustedFile, xdgDirectory} from '../transport/files/ownFile.ts';
import {type Groups, HostsError} from './hosts.ts';

/** The groups of everybody on this machine. */
const SYSTEM_DIRECTORY = '/etc/ftpdctl';
const FILE_NAME = 'hosts';
/** Bytes of a file. */
const MAX_BYTES = 1024 * 1024;
const STANDARD_INPUT = '-';

/**
 * The groups of a file: a line `NAME: HOSTS` each, as in ClusterShell's `local.cfg`; what follows a `#` is a comment.
 * @param file names it in errors
 * @throws HostsError with `file:line`
 */
export function parseGroups(text: string, file: string): Groups {
  const groups = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    const entry = withoutComment(line);
    if (entry === '') continue;
    const [, name, hosts = ''] = /^(\w[\w.-]*)\s*:(?:\s+(.*))?$/.exec(entry) ?? [];
    const at = `${file}:${index + 1}`;
    if (name === undefined)
      throw new HostsError(`${at}: a line is "NAME: HOSTS"`, 'for example ftp: ftp[01-40]');
    if (groups.has(name)) throw new HostsError(`${at}: the group ${name} was there before`);
    groups.set(name, hosts);
  }
  return groups;
}

/** The hosts of a file of them: any selection on a line, without its comments. */
export function selectionIn(text: string): string {
  return text.split('\n').map(withoutComment).join(' ');
}

function withoutComment(line: string): string {
  return line.replace(/(?:^|\s)#.*$/s, '').trim();
}

/**
 * The groups of this machine and of the user, whose own count where both have one of a name.
 * @throws HostsError where a file cannot be read, or others could have written it
 */
export function loadGroups(env: NodeJS.ProcessEnv): Groups {
  const own = xdgDirectory(env, 'config');
  const directories = own === null ? [SYSTEM_DIRECTORY] : [SYSTEM_DIRECTORY, own.path];
  return new Map(directories.flatMap((directory) => [...groupsIn(directory)]));
}

function groupsIn(directory: string): Groups {
  const file = `${directory}/${FILE_NAME}`;
  const text = inWords(file, () => readTrustedFile(directory, FILE_NAME, MAX_BYTES)?.toString('utf8'));
  return text === undefined ? new Map() : parseGroups(text, file);
}

function inWords<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new HostsError(`cannot read ${file}: ${reasonOf(error)}`);
  }
}

/** What a file that the user names says, or standard input (`-`). @throws HostsError */
export async function readHostsFile(file: string): Promise<string> {
  const name = file === STANDARD_INPUT ? 'standard input' : file;
  const stream = file === STANDARD_INPUT ? process.stdin : createReadStream(file);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw new HostsError(`cannot read ${name}: ${reasonOf(error)}`);
  }
  return Buffer.concat(chunks).toString('utf8');
}
