/** The part of an oclif flag definition that says whether it takes a value. */
interface FlagShape {
  readonly type: string;
  readonly char?: string | undefined;
  /** What the option stands for alone, where its value may be left out; a value then follows `=` only. */
  readonly bare?: string | undefined;
}

/**
 * Part a command's own options from its words: they end where the first word begins, and every word belongs to the
 * action, dashes and all (`msg user dave please use --passive`).
 */
export function splitAtFirstWord(
  argv: readonly string[],
  flags: Readonly<Record<string, FlagShape>>,
): {options: string[]; words: string[]} {
  const options: string[] = [];
  let at = 0;
  while (at < argv.length && isOption(argv[at]!)) {
    if (argv[at] === '--') return {options, words: argv.slice(at + 1)};
    const end = at + (takesNext(argv[at]!, flags) ? 2 : 1);
    options.push(withValue(argv[at]!, flags), ...argv.slice(at + 1, end));
    at = end;
  }
  return {options, words: argv.slice(at)};
}

/** oclif knows no values that may be left out: `--wait` becomes `--wait=60`. */
function withValue(token: string, flags: Readonly<Record<string, FlagShape>>): string {
  const bare = token.startsWith('--') ? flags[token.slice(2)]?.bare : undefined;
  return bare === undefined ? token : `${token}=${bare}`;
}

/** A lone dash is a word: standard input. */
function isOption(token: string): boolean {
  return token.startsWith('-') && token !== '-';
}

function takesNext(token: string, flags: Readonly<Record<string, FlagShape>>): boolean {
  if (token.startsWith('--')) {
    const flag = flags[token.slice(2)];
    return flag?.type === 'option' && flag.bare === undefined;
  }
  const flag = Object.values(flags).find(({char}) => char === token[1]);
  return flag?.type === 'option' && token.length === 2;
}
