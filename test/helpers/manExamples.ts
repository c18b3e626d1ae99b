import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {CHECKOUT} from './checkout.ts';

/** How an example is to be run, as the comment before it in the page says. */
export type How =
  /** It ends by itself, with this exit status. */
  | {readonly kind: 'ends'; readonly status: number}
  /** It is a server: it runs until it is ended. */
  | {readonly kind: 'runs'}
  /** It asks at a terminal, or draws there until Ctrl-C: what is seen then. */
  | {readonly kind: 'asks'; readonly see: string}
  /** It is for this shell. */
  | {readonly kind: 'in'; readonly shell: string};

/** A command line of a man page. */
export interface ManExample {
  /** The page's name, without the section. */
  readonly page: string;
  readonly line: number;
  readonly command: string;
  readonly how: How;
}

const SOURCES = join(CHECKOUT, 'man', 'src');

/** Every example of the man pages: the lines of literal text that a `$` begins, in order. */
export function manExamples(): ManExample[] {
  return readdirSync(SOURCES).flatMap((file) => {
    const lines = readFileSync(join(SOURCES, file), 'utf8').split('\n');
    return lines.flatMap((text, at) => {
      const command = /^\$ (.*)$/.exec(text)?.[1];
      if (command === undefined) return [];
      const page = file.replace(/\.mdoc$/, '');
      return [
        {page, line: at + 1, command: command.replaceAll('\\e', '\\'), how: howOf(lines[at - 1] ?? '')},
      ];
    });
  });
}

function howOf(before: string): How {
  const [, word, rest = ''] = /^\.\\" (exits|runs|asks|in) ?(.*)$/.exec(before) ?? [];
  if (word === 'runs') return {kind: word};
  if (word === 'asks') return {kind: word, see: rest || '?'};
  if (word === 'in') return {kind: word, shell: rest};
  return {kind: 'ends', status: Number(rest)};
}
