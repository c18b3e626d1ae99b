import {readFileSync} from 'node:fs';

/** Measured facts about real servers and clients: exact bytes, verdicts, transcripts; keyed by server version. */
export function oracle<T = Record<string, unknown>>(
  name: 'acl' | 'inject' | 'scoreboard' | 'sysv' | 'wire',
): T {
  return JSON.parse(readFileSync(new URL(`../oracle/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** Bytes as the oracle writes them; long ones are abridged to a head and `...[N bytes]`. */
export interface OracleBytes {
  readonly head: Buffer;
  readonly length: number;
}

export function oracleBytes(hex: string): OracleBytes {
  const abridged = /^([0-9a-f]*)\.\.\.\[(\d+) bytes\]$/.exec(hex);
  if (!abridged) return {head: Buffer.from(hex, 'hex'), length: hex.length / 2};
  const digits = abridged[1]!;
  return {
    head: Buffer.from(digits.slice(0, digits.length - (digits.length % 2)), 'hex'),
    length: Number(abridged[2]),
  };
}

/** The whole of abridged bytes, given a guess at them: the guess must have that head and that length. */
export function wholeBytes(hex: string, guess: () => Buffer): Buffer {
  const {head, length} = oracleBytes(hex);
  if (head.length === length) return head;
  const whole = guess();
  if (whole.length !== length || !whole.subarray(0, head.length).equals(head)) {
    throw new Error(
      `the guess (${whole.length} bytes) does not continue the oracle's head (${length} bytes)`,
    );
  }
  return whole;
}
