import {createReadStream} from 'node:fs';
import {SERVE_REQUEST_BYTES} from '../../protocol/limits.ts';
import {reasonOf} from '../../text/reason.ts';
import {UsageError} from '../options/usageError.ts';

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
