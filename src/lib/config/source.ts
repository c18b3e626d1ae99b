import picomatch from 'picomatch';

/** The files and the environment a configuration is read from. Paths are absolute. */
export interface ConfigSource {
  /** What stands at a path, symbolic links followed. */
  kind(path: string): 'file' | 'directory' | 'missing';
  /** The text of a file. Throws an Error that says why it cannot be read, or that it is too large. */
  read(path: string): string;
  /** The names in a directory, those with a leading dot too. Throws an Error that says why it cannot be read. */
  list(directory: string): readonly string[];
  /** A variable of the environment. */
  env(name: string): string | undefined;
}

const WILD = /[*?[]/;

/** Whether a text is a pattern to ProFTPD: `*`, `?` and `[…]`; it knows no braces. */
export function isGlob(text: string): boolean {
  return WILD.test(text);
}

/** Matches as fnmatch(3) does with the flags ProFTPD gives it: no escapes, no special treatment of dots. */
export function globMatcher(
  pattern: string,
  {ignoreCase}: {ignoreCase?: boolean} = {},
): (text: string) => boolean {
  return picomatch(pattern.replaceAll('[!', '[^').replace(/[\\()|]/g, '\\$&'), {
    nocase: ignoreCase,
    dot: true,
    nobrace: true,
    noextglob: true,
    noglobstar: true,
    nonegate: true,
  });
}

/** The paths an absolute pattern may name, sorted; wildcards may stand in any part of it. Not all need be there. */
export function expandGlob(pattern: string, source: ConfigSource): string[] {
  let paths = [''];
  for (const segment of pattern.split('/').filter((part) => part !== '')) {
    paths = isGlob(segment)
      ? paths.flatMap((path) => matchesIn(path, segment, source))
      : paths.map((path) => `${path}/${segment}`);
  }
  return paths.sort();
}

function matchesIn(directory: string, segment: string, source: ConfigSource): string[] {
  const path = `${directory}/`;
  if (source.kind(path) !== 'directory') return [];
  const matches = globMatcher(segment);
  const hidden = segment.startsWith('.');
  return source
    .list(path)
    .filter((name) => name.startsWith('.') === hidden && matches(name))
    .map((name) => `${directory}/${name}`);
}
