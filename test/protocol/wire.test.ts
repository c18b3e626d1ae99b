import {describe, expect, test} from 'vitest';
import {encodeRequest, responseDecoder} from '../../src/lib/protocol/codec.ts';
import {ProtocolError} from '../../src/lib/protocol/frame.ts';
import {BINARY_LIMITS, JSON_LIMITS} from '../../src/lib/protocol/limits.ts';
import {type ControlResponse, type Dialect, exitStatusOf} from '../../src/lib/protocol/message.ts';
import {planRequest} from '../../src/lib/protocol/plan.ts';
import {oracle, wholeBytes} from '../helpers/oracle.ts';

interface ClientRequest {
  argv: (string | {hex: string})[] | string;
  request_hex?: string;
}
interface ClientOnResponse {
  reply_hex: string;
  rc: number;
  stdout: string;
  stderr: string;
}
interface ServerReply {
  argv?: string[];
  request_hex?: string;
  reply_hex?: string | null;
  reply?: {status?: number; responses?: string[]; json_text?: string} | null;
}
const wire = oracle<{
  client_requests: Record<string, Record<string, ClientRequest>>;
  client_on_response: Record<string, Record<string, ClientOnResponse>>;
  server_replies: Record<string, Record<string, ServerReply>>;
}>('wire');
const dialects: [string, Dialect][] = [
  ['1.3.8', 'binary'],
  ['1.3.10rc5', 'json'],
];

/** Every way to cut the bytes in two, then all bytes one by one; a frame of over 1 KB is cut at a sample of its places. */
function* splits(bytes: Buffer): Generator<Buffer[]> {
  const places = Math.max(12, Math.floor(1_000_000 / bytes.length));
  const step = Math.max(1, Math.floor(bytes.length / places));
  for (let at = 0; at <= bytes.length; at += step) yield [bytes.subarray(0, at), bytes.subarray(at)];
  yield [...bytes].map((byte) => Buffer.from([byte]));
}

function decode(chunks: Buffer[]): {dialect: Dialect; message: ControlResponse} {
  const decoder = responseDecoder();
  for (const chunk of chunks) {
    const frame = decoder.push(chunk);
    if (frame) return frame;
  }
  return decoder.end();
}

/** Words of the cases whose argv the oracle abridges. */
function wordsOf(name: string, {argv}: ClientRequest): string[] | undefined {
  if (typeof argv === 'string') {
    const length = Number(/^long_(\d+)/.exec(name)?.[1]);
    return name.endsWith('_action') ? ['x'.repeat(length)] : ['msg', 'all', 'x'.repeat(length)];
  }
  return argv.every((word) => typeof word === 'string') ? argv : undefined;
}

describe.each(dialects)('requests of the stock client of %s', (version, dialect) => {
  const cases = Object.entries(wire.client_requests[version]!).filter(([, c]) => c.request_hex);
  test('are there', () => expect(cases.length).toBeGreaterThan(20));

  test.each(cases)('%s', (name, c) => {
    const words = wordsOf(name, c);
    if (!words) {
      // Bytes that are no UTF-8 reach us as U+FFFD: such a word is refused, whoever the server is.
      const request = {kind: 'action', action: 'msg', args: ['all', 'a\ufffdb']} as const;
      expect(planRequest(request, {kind: 'serve', maxRequest: 9999}, [dialect]).kind).toBe('refused');
      return;
    }
    const frame = encodeRequest(dialect, {action: words[0]!, args: words.slice(1)});
    const recorded = wholeBytes(c.request_hex!, () => frame);
    // The stock client writes hexadecimal digits of JSON escapes in capitals: \u001B.
    const escapes = (bytes: Buffer) =>
      bytes.toString('latin1').replace(/\\u([0-9a-fA-F]{4})/g, (digits) => digits.toLowerCase());
    expect(escapes(frame)).toBe(escapes(recorded));
  });
});

/** The bytes of the cases that the oracle abridges. */
function abridgedResponse(name: string, dialect: Dialect): Buffer {
  const [, kind, count] = /^(responses?)_(\d+)/.exec(name)!;
  const n = Number(count);
  const lines = kind === 'response' ? ['r'.repeat(n)] : Array.from({length: n}, () => 'r');
  if (name === 'responses_100KB') lines.splice(0, n, ...Array.from({length: 110}, () => 'r'.repeat(900)));
  if (name === 'responses_900KB') lines.splice(0, n, ...Array.from({length: 990}, () => 'r'.repeat(900)));
  if (dialect === 'json') {
    const text = Buffer.from(`{"status":0,"responses":[${lines.map((line) => `"${line}"`).join(',')}]}`);
    return Buffer.concat([Buffer.from(Uint32Array.of(text.length).buffer), text]);
  }
  const parts = lines.flatMap((line) => [Buffer.from(Uint32Array.of(line.length).buffer), Buffer.from(line)]);
  return Buffer.concat([Buffer.from(Uint32Array.of(0, lines.length).buffer), ...parts]);
}

/** What the stock client gets wrong and we do not: whole answers it cannot read, or reads only in part. */
const betterThanStock: Record<string, number> = {
  '1.3.8 split_mid_body': 1,
  '1.3.10rc5 split_mid_body': 1,
  '1.3.10rc5 responses_900KB': 990,
  '1.3.10rc5 responses_4097': 4097,
};

describe.each(dialects)('answers to the stock client of %s', (version, dialect) => {
  test.each(Object.entries(wire.client_on_response[version]!))('%s', (name, c) => {
    const bytes = wholeBytes(c.reply_hex, () => abridgedResponse(name, dialect));
    const better = betterThanStock[`${version} ${name}`];
    const understood = better !== undefined || !c.stdout.includes('error receiving response');
    for (const chunks of splits(bytes)) {
      if (!understood) {
        expect(() => decode(chunks)).toThrow(ProtocolError);
        continue;
      }
      const frame = decode(chunks);
      expect(frame.dialect).toBe(dialect);
      if (better !== undefined) {
        expect(frame.message.responses).toHaveLength(better);
        continue;
      }
      const lines = frame.message.responses.map((line) => `ftpdctl: ${line}\n`).join('');
      if (/\.\.\.\[\d+ bytes/.test(c.stdout)) {
        expect(Buffer.byteLength(lines)).toBe(Number(/\.\.\.\[(\d+) bytes/.exec(c.stdout)![1]));
      } else {
        expect(lines).toBe(c.stdout);
      }
      if (dialect === 'json') expect(exitStatusOf(frame.message.status)).toBe(c.rc);
    }
  });
});

describe.each(dialects)('answers of a real %s', (version, dialect) => {
  const cases = Object.entries(wire.server_replies[version]!).filter(([, c]) => c.reply_hex && c.reply);
  test('are there', () => expect(cases.length).toBeGreaterThan(20));

  test.each(cases)('%s', (_name, c) => {
    const bytes = wholeBytes(c.reply_hex!, () => Buffer.alloc(0));
    const expected =
      dialect === 'json'
        ? (JSON.parse(c.reply!.json_text!) as ControlResponse)
        : {status: c.reply!.status!, responses: c.reply!.responses!};
    for (const chunks of splits(bytes)) expect(decode(chunks)).toEqual({dialect, message: expected});
  });

  test.each(cases.filter(([, c]) => c.argv && c.request_hex))('the request of %s', (_name, c) => {
    const [action, ...args] = c.argv!;
    expect(encodeRequest(dialect, {action: action!, args}).toString('hex')).toBe(c.request_hex);
  });
});

test('the limits are those of the sources', () => {
  const {limits_from_source: limits} = oracle<{limits_from_source: Record<string, Record<string, number>>}>(
    'wire',
  );
  const {'1.3.8 src/ctrls.c': binary, '1.3.10rc5 src/ctrls.c': json} = limits;
  expect(BINARY_LIMITS).toEqual({
    requestStrings: binary!['CTRLS_MAX_NREQARGS'],
    actionBytes: binary!['sizeof(reqaction)']! - 1,
    argumentBytes: binary!['CTRLS_MAX_REQARGLEN'],
    responseStrings: binary!['CTRLS_MAX_NRESPARGS'],
    responseBytes: binary!['response buffer PR_TUNABLE_BUFFER_SIZE']! - 1,
  });
  expect(JSON_LIMITS).toMatchObject({
    requestBytes: json!['CTRLS_MAX_REQ_SIZE'],
    responseBytes: json!['CTRLS_MAX_RESP_SIZE'],
  });
});
