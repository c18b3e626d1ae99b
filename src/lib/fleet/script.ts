/**
 * What the shell of another machine is given to run. It reads it from its standard input, so no login shell has had it in
 * its hands, and between single quotes a POSIX shell takes every character as it is, line feeds too.
 */
export interface RemoteCommand {
  /** Its program and its words. */
  readonly words: readonly RemoteWord[];
  /** The shell's own text before it, in which `s` may be set: the note. */
  readonly before?: string;
  /** A condition of the shell: unless it holds, nothing is run. */
  readonly guard?: string;
  /** What it reads from its standard input: text and a line feed; nothing, without it. */
  readonly input?: string;
}

/** A word as it is, or the shell's own text. */
export type RemoteWord = string | {readonly shell: string};

/** Text between single quotes. @throws Error for a NUL, which no word of a command has */
export function quoteForShell(word: string): string {
  if (word.includes('\0')) throw new Error('a word of a command has no NUL');
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * A command whose output and end can be told from everything else that is printed there. It stands in braces, so that the
 * shell runs it only if all of it has arrived; and it is ended when the connection is: then what is read from that
 * (descriptor 3) comes to its end.
 * @param mark that nobody else prints
 */
export function framed({words, before = '', guard = 'true', input}: RemoteCommand, mark: string): string {
  const command = words
    .map((word) => (typeof word === 'string' ? quoteForShell(word) : word.shell))
    .join(' ');
  const [from, document] = input === undefined ? ['</dev/null', ''] : [`<<'${mark}'`, `\n${input}\n${mark}`];
  return `{
s=
if ${guard}; then
${before}
printf '%s\\n' "${mark} begin $s"; printf '%s\\n' '${mark} begin ' >&2
${command} ${from} 3<&- & p=$!${document}
{ read -r x; kill "$p"; } <&3 >/dev/null 2>&1 & w=$!
wait "$p"; e=$?
{ kill "$w"; wait "$w"; } 2>/dev/null
printf '\\n%s\\n' "${mark} end $e"; printf '\\n%s\\n' '${mark} end ' >&2
else printf '%s\\n' '${mark} stale'
fi
}
`;
}
