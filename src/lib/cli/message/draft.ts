import {createReadStream} from 'node:fs';
import {reasonOf} from '../../errors.ts';
import {SERVE_REQUEST_BYTES} from '../../protocol/limits.ts';
import {didYouMean, UsageError} from '../options/usageError.ts';

/** What the words after `msg` may begin with. */
export const AUDIENCES = ['user', 'host', 'class', 'session', 'all'] as const;
/** Those of them that the prompt offers, each with a name. */
export const NAMED_AUDIENCES = ['user', 'host', 'class'] as const;
export type AudienceKind = (typeof AUDIENCES)[number];

/** The words after `msg`, as far as they go. */
export interface Draft {
  readonly kind?: AudienceKind | undefined;
  /** Whom of that kind; nobody for `all`. */
  readonly name?: string | undefined;
  /** The words of the message. */
  readonly words: readonly string[];
}

const USAGE = 'ftpdctl msg user|host|class|session NAME MESSAGE..., or ftpdctl msg all MESSAGE...';

/**
 * Take the words after `msg` apart: who is meant, and what is said.
 * @throws UsageError for an audience that there is not.
 */
export function draftOf([kind, ...rest]: readonly string[]): Draft {
  if (kind === undefined) return {words: []};
  if (!isAudience(kind)) {
    // `--wait 30`, where the value of an option that needs none would have to stand in the same word.
    const otherwise = /^\d+$/.test(kind) ? `seconds to wait stand in one word: --wait=${kind}` : USAGE;
    throw new UsageError(`msg: unknown audience "${kind}"`, didYouMean(kind, AUDIENCES, otherwise));
  }
  if (kind === 'all') return {kind, words: rest};
  const [name, ...words] = rest;
  return name ? {kind, name, words} : {kind, words};
}

function isAudience(word: string): word is AudienceKind {
  return AUDIENCES.some((audience) => audience === word);
}

/** The audience as the protocol has it: `all`, or a kind and a name. @throws UsageError when it is not complete. */
export function audienceOf({kind, name}: Draft): string[] {
  if (kind === undefined) throw new UsageError('msg: missing required parameters', USAGE);
  if (kind === 'all') return [kind];
  if (name === undefined) throw new UsageError(`msg ${kind}: missing required ${kind} name`, USAGE);
  return [kind, name];
}

/** Whether it is said who is meant. */
export function hasAudience({kind, name}: Draft): boolean {
  return kind === 'all' || (kind !== undefined && name !== undefined);
}

/** Whether nothing is said. */
export function hasNoText({words}: Pick<Draft, 'words'>): boolean {
  return words.every((word) => word === '');
}

/** The message. @throws UsageError when there is none. */
export function messageOf(draft: Draft): string {
  if (hasNoText(draft)) throw new UsageError(`msg ${draft.kind}: missing required message`, USAGE);
  return draft.words.join(' ');
}

/** The word, or the name of a file, that stands for standard input. */
export const STANDARD_INPUT = '-';

/** Bytes of a text that are read: no server takes more. */
const MAX_BYTES = SERVE_REQUEST_BYTES;

/**
 * The message that a file or standard input (`-`) holds: UTF-8, without a byte order mark, its lines separated by
 * `\n`, without line ends after the last.
 * @throws UsageError when it cannot be read, has more than 65,536 bytes, is not UTF-8 or says nothing
 */
export async function readMessage(file: string): Promise<string> {
  const name = file === STANDARD_INPUT ? 'standard input' : file;
  const text = decode(await readBounded(file, name), name)
    .replace(/\r\n?/g, '\n')
    .replace(/\n+$/, '');
  if (text.trim() === '') throw new UsageError(`${name} holds no message`);
  return text;
}

async function readBounded(file: string, name: string): Promise<Buffer> {
  const stream = file === STANDARD_INPUT ? process.stdin : createReadStream(file);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BYTES) {
        throw new UsageError(`${name} has more than ${MAX_BYTES} bytes, which no server takes as a message`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`cannot read ${name}: ${reasonOf(error)}`);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch {
    throw new UsageError(`${name} is not valid UTF-8`, 'convert it, for example with iconv');
  }
}

/** Several lines in one, with one space between them. */
export function joinLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
}
