/**
 * The words of a line, parted by white space. Quotes of either kind keep white space in a word, a backslash takes
 * the next character as it is (within double quotes, too), as in a shell; nothing else has a meaning.
 * @returns undefined when a quote is not closed, or a backslash ends the line
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let rest = line.trimStart();
  while (rest !== '') {
    const word = WORD.exec(rest)?.[0];
    if (word === undefined) return undefined;
    words.push(word.replace(PIECE, unquote));
    rest = rest.slice(word.length).trimStart();
  }
  return words;
}

const PIECE = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g;
const WORD = /^(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+(?=\s|$)/;

function unquote(_piece: string, single?: string, double?: string, escaped?: string): string {
  return single ?? double?.replace(/\\(.)/g, '$1') ?? escaped ?? '';
}
