/** The part of an oclif flag definition that says whether it takes a value. */
interface FlagShape {
  readonly type: string;
  readonly char?: string | undefined;
}

/**
 * Part a command's own options from its words: they end where the first word begins, and every word belongs to the
 * action, dashes and all (`msg user dave please use --passive`).
 */
export function splitAtFirstWord(
  argv: readonly string[],
  flags: Readonly<Record<string, FlagShape>>,
): {options: string[]; words: string[]} {
  let at = 0;
  while (at < argv.length && isOption(argv[at]!)) {
    if (argv[at] === '--') return {options: argv.slice(0, at), words: argv.slice(at + 1)};
    at += takesNext(argv[at]!, flags) ? 2 : 1;
  }
  return {options: argv.slice(0, at), words: argv.slice(at)};
}

/** A lone dash is a word: standard input. */
function isOption(token: string): boolean {
  return token.startsWith('-') && token !== '-';
}

function takesNext(token: string, flags: Readonly<Record<string, FlagShape>>): boolean {
  if (token.startsWith('--')) {
    return !token.includes('=') && flags[token.slice(2)]?.type === 'option';
  }
  const flag = Object.values(flags).find(({char}) => char === token[1]);
  return flag?.type === 'option' && token.length === 2;
}
