import {posix} from 'node:path';
import {setImmediate as nextTurn} from 'node:timers/promises';
import {type FileTree, resolvePath, TreeError} from '../tree/tree.ts';

/** More names than this are too many for one pattern: a few stars mean all of a large tree. */
const MAX_MATCHES = 10_000;

const WILD = /[*?[]/;

/** Whether a path is a pattern to glob(3): ProFTPD knows no braces. */
export function isPattern(path: string): boolean {
  return WILD.test(path);
}

/**
 * The paths that a pattern means, as glob(3) finds and writes them; wildcards may stand in any part. A dot in front of a name
 * is matched by a dot alone, and then `.` and `..` match, too.
 * @throws TreeError `ENOSPC` when there are too many
 */
export async function expand(tree: FileTree, workingDirectory: string, pattern: string): Promise<string[]> {
  let found = [pattern.startsWith('/') ? '/' : ''];
  const parts = pattern.split('/').filter((name) => name !== '');
  for (const [index, part] of parts.entries()) {
    const next: string[] = [];
    for (const parent of found) {
      await nextTurn();
      const names = isPattern(part)
        ? await matching(tree, resolvePath(workingDirectory, parent), part, index < parts.length - 1)
        : [part];
      for (const name of names) {
        const path = parent === '' || parent === '/' ? `${parent}${name}` : `${parent}/${name}`;
        if (isPattern(part) || (await isThere(tree, resolvePath(workingDirectory, path)))) next.push(path);
        if (next.length > MAX_MATCHES) throw new TreeError('ENOSPC');
      }
    }
    found = next;
  }
  return found;
}

/** @param inner names of directories are wanted, and no link to one */
async function matching(tree: FileTree, directory: string, part: string, inner: boolean): Promise<string[]> {
  try {
    const entries = (await tree.list(directory)).filter(({kind}) => !inner || kind === 'directory');
    const names = entries.map(({name}) => name);
    const all = part.startsWith('.') ? ['.', '..', ...names] : names.filter((name) => !name.startsWith('.'));
    return all.filter((name) => matches(part, name));
  } catch {
    return [];
  }
}

async function isThere(tree: FileTree, path: string): Promise<boolean> {
  return tree.ownFacts(posix.normalize(path)).then(
    () => true,
    () => false,
  );
}

/** One place of a name: any character, one of a set, or the one. */
type Place = (character: string) => boolean;
type Piece = Place | 'any run';

/** `*`, `?` and `[…]`, in time proportional to pattern times name: a client chooses both. */
export function matches(pattern: string, name: string): boolean {
  const pieces = piecesOf(pattern);
  const characters = [...name];
  let [p, n, star, retry] = [0, 0, -1, 0];
  while (n < characters.length) {
    const piece = pieces[p];
    if (piece === 'any run') {
      [star, retry] = [p, n];
      p += 1;
    } else if (piece?.(characters[n]!) === true) {
      p += 1;
      n += 1;
    } else if (star !== -1) {
      retry += 1;
      [p, n] = [star + 1, retry];
    } else {
      return false;
    }
  }
  return pieces.slice(p).every((piece) => piece === 'any run');
}

/** fnmatch(3): a set that has no end is a bracket, and a backslash takes a character as it is. */
function piecesOf(pattern: string): Piece[] {
  const parts = pattern.match(/\\.|\[[!^]?\]?[^\]]*\]|./gsu) ?? [];
  return parts.map((part) => {
    if (part === '*') return 'any run';
    if (part === '?') return () => true;
    if (part.length > 2 && part.startsWith('[')) return setOf(part.slice(1, -1));
    const own = part.length > 1 && part.startsWith('\\') ? part.slice(1) : part;
    return (character) => character === own;
  });
}

function setOf(text: string): Place {
  const negated = /^[!^]/.test(text);
  const ranges = (negated ? text.slice(1) : text).match(/.-.|./gsu) ?? [];
  const within = (character: string): boolean =>
    ranges.some((range) => {
      const [first = '', , last = first] = [...range];
      return character >= first && character <= last;
    });
  return (character) => within(character) !== negated;
}
