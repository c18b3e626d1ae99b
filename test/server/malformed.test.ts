import {readdirSync} from 'node:fs';
import fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {ControlResponse, Dialect} from '../../src/lib/protocol/message.ts';
import {OPEN, type RunningServer, startControlsServer, until} from '../helpers/controlsServer.ts';
import {ask, type Exchanged, exchange} from '../helpers/exchange.ts';
import {requestFrame} from '../helpers/frames.ts';
import {oracle, wholeBytes} from '../helpers/oracle.ts';

interface Malformed {
  readonly sent_hex: string;
  readonly options: {readonly shut?: boolean; readonly chunk_delay?: number};
  readonly fresh_daemon: {
    readonly daemon_alive_after: boolean;
    readonly reply_hex: string;
    readonly reply?: {
      readonly json_text?: string;
      readonly status?: number;
      readonly responses?: readonly string[];
    };
  };
}

const {server_malformed: malformed} = oracle<{server_malformed: Record<string, Record<string, Malformed>>}>(
  'wire',
);

type Outcome =
  /** Closed without a byte. */
  | 'nothing'
  /** The list of controls, which is not ours word for word. */
  | 'help'
  | ControlResponse;

const UNSUPPORTED = {status: -7, responses: ['unsupported action requested']};
const BLOCKED = {
  json: {status: -8, responses: ['blocked connection']},
  binary: {status: -1, responses: ['blocked connection']},
};
const NO_MESSAGE = {status: 0, responses: ['unable to send message: no such client connected']};
const CONTROL = (which: string) => ({
  status: -3,
  responses: [`parameter 2: control character ${which} at character 2`],
});

/** Where ours does otherwise, on purpose: what it does in place of crashing, and where it waits in place of guessing. */
const DELIBERATE: Readonly<Record<Dialect, Readonly<Record<string, Outcome>>>> = {
  binary: {
    // It waits for the rest, as long as it waits for anybody.
    one_byte: BLOCKED.json,
    status_and_3_bytes: BLOCKED.binary,
    action_short_body: BLOCKED.binary,
    nargs_2_one_sent: BLOCKED.binary,
    arg_short_body_held_open: BLOCKED.binary,
    // Half a request is carried out by 1.3.8, and not here.
    nargs_2_one_sent_shutdown: 'nothing',
    nargs_32_three_sent_shutdown: 'nothing',
    arg_short_body_shutdown: 'nothing',
    // A first word that is not 0 is the length of a request in JSON.
    nonzero_status_in_request: BLOCKED.json,
    // The name of an action ends where it ends.
    action_with_nul: {status: -1, responses: UNSUPPORTED.responses},
    // These crash the daemon, or make it spin.
    nargs_0_then_action_help: UNSUPPORTED,
    nargs_0_then_action_help_shutdown: UNSUPPORTED,
    arg_len_300: 'nothing',
    arg_newline: CONTROL('U+000A'),
    arg_tab: CONTROL('U+0009'),
    arg_del: CONTROL('U+007F'),
    arg_nul: CONTROL('U+0000'),
    // The time is not over yet when the rest comes.
    header_then_rest_after_1500ms: 'help',
  },
  json: {
    one_byte: BLOCKED.json,
    three_bytes: BLOCKED.json,
    length_longer_than_body_held_open: BLOCKED.json,
    // A first word of 0 is a binary request, of far too many words.
    length_zero_with_body: 'nothing',
    // Ours takes more than 1024 bytes.
    length_1025: 'help',
    // These crash the daemon.
    arg_null: UNSUPPORTED,
    arg_true: UNSUPPORTED,
    arg_newline_escape: CONTROL('U+000A'),
    arg_del: CONTROL('U+007F'),
    arg_invalid_utf8: {status: -3, responses: ['parameter 2: not valid UTF-8']},
    // Of a key given twice JSON.parse takes the last.
    duplicate_action_keys: 'help',
    // Ours speaks this dialect, too.
    binary_frame_to_json_server: 'help',
    header_then_rest_after_1500ms: 'help',
  },
};

/** What the sessionless daemon says to a message that the measured one delivered. */
function measured({fresh_daemon: {reply, reply_hex}}: Malformed): Outcome {
  if (reply_hex === '' || reply === undefined) return 'nothing';
  // Long answers are cut in the oracle; all of them are answers to help.
  if (
    reply.json_text?.includes('"config: set') ||
    reply.responses?.includes('config: set config directives')
  ) {
    return 'help';
  }
  const {status, responses} = reply.json_text ? JSON.parse(reply.json_text) : reply;
  return responses[0] === 'message sent' ? NO_MESSAGE : {status, responses};
}

function outcomeOf({response}: Exchanged): Outcome {
  if (response === undefined) return 'nothing';
  const {status, responses} = response;
  return responses.some((line) => line.startsWith('help: ')) ? 'help' : {status, responses};
}

/** The frames of which the oracle has only the beginning, or none of. */
function wholeFrame(name: string, {sent_hex: hex}: Malformed, dialect: Dialect): Buffer {
  if (/^(one_byte_writes|header_then_rest)/.test(name)) return requestFrame(dialect, 'help');
  return wholeBytes(hex, () => guess(name, dialect));
}

function guess(name: string, dialect: Dialect): Buffer {
  const z = (count: number) => 'z'.repeat(count);
  if (name === 'deep_nesting') return lengthPrefixed('['.repeat(1000));
  if (name === 'args_180') return requestFrame(dialect, 'msg', 'all', ...Array(180).fill('w'));
  if (name === 'arg_900_bytes') return lengthPrefixed(`{"action": "msg", "args": ["all", "${z(900)}"]}`);
  if (name === 'sum_of_args_7680') return requestFrame(dialect, 'msg', 'all', ...Array(30).fill(z(256)));
  if (name === 'length_1025') return lengthPrefixed('{"action":"help","args":[]}'.padEnd(1025));
  const length = Number(/\d+$/.exec(name)?.[0]);
  return requestFrame(dialect, 'msg', 'all', z(length));
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.alloc(4 + Buffer.byteLength(text));
  bytes.writeUInt32LE(bytes.length - 4);
  bytes.write(text, 4);
  return bytes;
}

let running: RunningServer;
beforeAll(async () => {
  running = await startControlsServer(OPEN);
});
afterAll(async () => running?.stop());

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

describe.each([
  ['binary', '1.3.8'],
  ['json', '1.3.10rc5'],
] as const)('malformed frames in the %s dialect, as %s takes them but where it crashes', (dialect, version) => {
  const cases = Object.entries(malformed[version]!);
  let outcomes: ReadonlyMap<string, Outcome>;

  // All at once: some are only answered when the client has had its time.
  beforeAll(async () => {
    const exchanged = cases.map(async ([name, each]) => {
      const {shut: shutdown = false} = each.options;
      const outcome = outcomeOf(await exchange(running.socket, wholeFrame(name, each, dialect), {shutdown}));
      expect((await ask(running.socket, dialect, 'nosuch')).responses).toEqual(UNSUPPORTED.responses);
      return [name, outcome] as const;
    });
    outcomes = new Map(await Promise.all(exchanged));
  });

  test.each(cases)('%s', (name, each) => {
    expect(outcomes.get(name)).toEqual(DELIBERATE[dialect][name] ?? measured(each));
  });
});

describe('whatever bytes come, the next request is answered and nothing is left open', () => {
  const word = fc.oneof(
    fc.constantFrom(0, 1, 2, 8, 27, 32, 33, 127, 128, 256, 257, 65_536, 65_537, 0x7fff_ffff, 0xffff_ffff),
    fc.nat(300),
  );
  const words = fc.array(word, {maxLength: 6}).map((values) => Buffer.from(new Uint32Array(values).buffer));
  const json = fc.oneof(
    fc.json(),
    fc
      .record(
        {
          action: fc.oneof(fc.constantFrom('help', 'msg', 'acl', 'receipt'), fc.string()),
          args: fc.anything(),
        },
        {
          requiredKeys: [],
        },
      )
      .map((value) => JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? 0 : each)) ?? ''),
    fc
      .record({
        action: fc.constantFrom('help', 'msg', 'acl', 'receipt', 'who', 'insctrl'),
        args: fc.array(
          fc.oneof(fc.constantFrom('all', 'user', 'check', 'list', ''), fc.string({unit: 'binary'})),
        ),
        ftpdctl: fc.dictionary(fc.constantFrom('lines', 'dryRun', 'x'), fc.anything()),
      })
      .map((value) => JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? 0 : each))),
  );
  const binary = fc
    .tuple(
      fc.constantFrom('help', 'msg', 'acl', 'rmctrl', ''),
      fc.array(fc.string({unit: 'binary', maxLength: 80})),
    )
    .map(([action, args]) => requestFrame('binary', action, ...args));
  const frames = fc.oneof(
    fc.uint8Array({maxLength: 200}).map((bytes) => Buffer.from(bytes)),
    words,
    json.map(lengthPrefixed),
    binary,
    fc.tuple(words, binary).map((parts) => Buffer.concat(parts)),
  );

  test('fuzz', async () => {
    const before = openDescriptors();
    await fc.assert(
      // The client closes its sending half, so that no half a frame makes the server wait.
      fc.asyncProperty(frames, async (bytes) => {
        await exchange(running.socket, bytes, {shutdown: true});
        expect((await ask(running.socket, 'json', 'lsctrl')).status).toBe(0);
        await ask(running.socket, 'json', 'insctrl', 'all');
      }),
      {numRuns: 400},
    );
    await until(() => openDescriptors() <= before);
  }, 60_000);
});
