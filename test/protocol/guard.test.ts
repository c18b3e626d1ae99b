import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {requestDecoder} from '../../src/lib/protocol/codec.ts';
import {RequestRefused, type ServerKind} from '../../src/lib/protocol/guard.ts';
import type {ControlRequest, Dialect} from '../../src/lib/protocol/message.ts';
import {type OutgoingRequest, planRequest} from '../../src/lib/protocol/plan.ts';

const proftpd: ServerKind = {kind: 'proftpd'};
const serve: ServerKind = {kind: 'serve', maxRequest: 65536};
const words = (count: number) => Array.from({length: count}, (_, i) => `w${i}`);
const action = (...args: string[]): OutgoingRequest => ({kind: 'action', action: 'msg', args});
const message = (audience: string[], text: string, options?: Record<string, unknown>): OutgoingRequest => ({
  kind: 'message',
  audience,
  text,
  options,
});

function refusal(request: OutgoingRequest, server: ServerKind, ...dialects: Dialect[]): RequestRefused {
  const plan = planRequest(request, server, dialects);
  if (plan.kind !== 'refused') throw new Error('it was not refused');
  expect(plan.refusal).toBeInstanceOf(RequestRefused);
  return plan.refusal;
}

/** What a server reads from the frame. */
function sent(request: OutgoingRequest, server: ServerKind, dialect: Dialect): ControlRequest {
  const plan = planRequest(request, server, [dialect]);
  if (plan.kind !== 'frames') throw plan.refusal;
  const [frame, ...more] = plan.frames;
  expect([frame!.dialect, more]).toEqual([dialect, []]);
  const decoder = requestDecoder(server.kind === 'serve' ? server.maxRequest : 1024);
  decoder.push(frame!.bytes);
  return decoder.end().message;
}

const JSON_AROUND = '{"action":"msg","args":["all",""]}'.length;

describe('what crashes, resets or hangs a daemon is refused', () => {
  const lethal: [string, Dialect, OutgoingRequest, string, RegExp][] = [
    [
      'UTF-8',
      'binary',
      action('all', 'grüße'),
      'REFUSED_NON_ASCII',
      /"ü" \(U\+00FC\) at character 3 of "grüße" is not ASCII, and a ProFTPD up to 1\.3\.8 crashes on it$/,
    ],
    [
      'UTF-8',
      'json',
      action('all', 'grüße'),
      'REFUSED_NON_ASCII',
      /not ASCII, and a ProFTPD from 1\.3\.9 on can crash on it: one that was just started does$/,
    ],
    ['nothing but UTF-8', 'json', action('all', 'üü'), 'REFUSED_NON_ASCII', /at character 1 of "üü"/],
    ['UTF-8 in an action', 'json', {kind: 'action', action: 'mßg', args: []}, 'REFUSED_NON_ASCII', /"mßg"/],
    [
      'newline',
      'binary',
      action('all', 'a\nb'),
      'REFUSED_CONTROL',
      /^U\+000A at character 2 of "a\\nb" is a control/,
    ],
    ['nothing but a newline', 'json', action('all', '\n'), 'REFUSED_CONTROL', /which is never sent$/],
    ['tab', 'json', action('all', 'a\tb'), 'REFUSED_CONTROL', /^U\+0009 at/],
    ['DEL', 'binary', action('all', 'a\u007fb'), 'REFUSED_CONTROL', /^U\+007F at/],
    ['NUL', 'json', action('all', 'a\0b'), 'REFUSED_CONTROL', /^U\+0000 at/],
    ['C1', 'json', action('all', 'a\u0085b'), 'REFUSED_CONTROL', /^U\+0085 at/],
    ['a line separator', 'json', action('all', '😀\u2028'), 'REFUSED_CONTROL', /^U\+2028 at character 2 of/],
    [
      'a lone surrogate',
      'json',
      action('all', 'a\ud800b'),
      'REFUSED_ENCODING',
      /^"a\\ud800b" is not valid UTF-8$/,
    ],
    ['what was no UTF-8', 'json', action('all', 'a\ufffdb'), 'REFUSED_ENCODING', /is not valid UTF-8$/],
    [
      'an argument of 257 bytes',
      'binary',
      action('all', 'x'.repeat(257)),
      'REFUSED_SIZE',
      /^the word "x{40}…" has 257 bytes, this server takes at most 256$/,
    ],
    [
      '33 strings',
      'binary',
      action('all', ...words(31)),
      'REFUSED_SIZE',
      /^the request has 33 words, this server takes at most 32$/,
    ],
    [
      'an action of 128 bytes',
      'binary',
      {kind: 'action', action: 'a'.repeat(128), args: []},
      'REFUSED_SIZE',
      /^the action has 128 bytes, this server takes at most 127$/,
    ],
    [
      'JSON of 1025 bytes',
      'json',
      action('all', 'x'.repeat(1025 - JSON_AROUND)),
      'REFUSED_SIZE',
      /^the request has 1025 bytes, this server takes at most 1024$/,
    ],
  ];
  test.each(lethal)('%s in %s', (_name, dialect, request, code, says) => {
    const refused = refusal(request, proftpd, dialect);
    expect(refused).toMatchObject({name: 'RequestRefused', code, exitStatus: 3});
    expect(refused.message).toMatch(says);
  });

  const longest: [string, Dialect, OutgoingRequest][] = [
    ['an action of 127 bytes', 'binary', {kind: 'action', action: 'a'.repeat(127), args: []}],
    ['an argument of 256 bytes', 'binary', action('all', 'x'.repeat(256))],
    ['32 strings', 'binary', action('all', ...words(30))],
    ['JSON of 1024 bytes', 'json', action('all', 'x'.repeat(1024 - JSON_AROUND))],
    [
      'every printable character of ASCII',
      'json',
      action('all', String.fromCharCode(...Array.from({length: 95}, (_, i) => 32 + i))),
    ],
  ];
  test.each(longest)('%s passes', (_name, dialect, request) => {
    expect(sent(request, proftpd, dialect)).toEqual({
      action: request.kind === 'action' ? request.action : 'msg',
      args: request.kind === 'action' ? request.args : [],
    });
  });

  test('control characters are refused by every server, UTF-8 is not', () => {
    expect(sent(action('all', 'grüße 😀'), serve, 'json').args).toEqual(['all', 'grüße 😀']);
    expect(refusal(action('all', 'a\u001bb'), serve, 'json').code).toBe('REFUSED_CONTROL');
    expect(refusal(message(['all'], 'one\ntwo\u0007'), serve, 'json').code).toBe('REFUSED_CONTROL');
  });

  test('ftpdctl serve says itself how much it takes', () => {
    const text = 'x'.repeat(2000 - JSON_AROUND);
    expect(sent(action('all', text), {kind: 'serve', maxRequest: 2000}, 'json').args).toEqual(['all', text]);
    expect(refusal(action('all', text), {kind: 'serve', maxRequest: 1999}, 'json').message).toBe(
      'the request has 2000 bytes, this server takes at most 1999',
    );
  });

  test('a long text is quoted by its first 40 characters, a short one as it is', () => {
    expect(refusal(action('😀'.repeat(40)), proftpd, 'json').message).toContain(
      ` of "${'😀'.repeat(40)}" is`,
    );
    expect(refusal(action('😀'.repeat(41)), proftpd, 'json').message).toContain(
      ` of "${'😀'.repeat(40)}…" is`,
    );
  });

  test('UTF-8 has a way out', () => {
    expect(refusal(action('all', 'grüße'), proftpd, 'json').hint).toContain('--transliterate');
  });
});

describe('a request in two dialects', () => {
  test('is planned in each that takes it', () => {
    const plan = planRequest(action('all', 'hi'), proftpd, ['json', 'binary']);
    expect(plan).toMatchObject({frames: [{dialect: 'json'}, {dialect: 'binary'}]});
    const long = planRequest(action('all', 'x'.repeat(257)), proftpd, ['json', 'binary']);
    expect(long).toEqual({kind: 'frames', frames: [{dialect: 'json', bytes: expect.any(Buffer) as Buffer}]});
  });

  test('is refused when none does', () => {
    expect(refusal(action('all', 'ü'), proftpd, 'json', 'binary').code).toBe('REFUSED_NON_ASCII');
  });
});

describe('what stands beside the arguments', () => {
  const request: OutgoingRequest = {kind: 'action', action: 'who', args: [], options: {details: true}};

  test('is for ftpdctl serve, no ProFTPD gets it', () => {
    expect(sent(request, serve, 'json')).toEqual({action: 'who', args: [], options: {details: true}});
    expect(sent(request, proftpd, 'json')).toEqual({action: 'who', args: []});
  });

  test('is not there unless it was given', () => {
    expect(sent(action('all'), serve, 'json')).toEqual({action: 'msg', args: ['all']});
    expect(sent(message(['all'], 'hi'), serve, 'json')).toEqual({action: 'msg', args: ['all', 'hi']});
  });
});

describe('packing a message', () => {
  const printable = fc.string({
    unit: fc.constantFrom(...Array.from({length: 95}, (_, i) => String.fromCharCode(32 + i)), ' ', ' ', ' '),
    minLength: 1,
    maxLength: 6000,
  });

  test('mod_msg puts any packed text together again, within the limits', () => {
    fc.assert(
      fc.property(printable, (text) => {
        const plan = planRequest(message(['user', 'dave'], text), proftpd, ['binary']);
        fc.pre(plan.kind === 'frames');
        const {args} = sent(message(['user', 'dave'], text), proftpd, 'binary');
        const pieces = args.slice(2);
        expect(pieces.join(' ')).toBe(text);
        expect(pieces.every((piece) => piece.length > 0 && piece.length <= 256)).toBe(true);
        expect(args.length).toBeLessThanOrEqual(31);
      }),
    );
  });

  // 1.3.8 drops empty arguments: a piece must not be empty, or a space of the text is lost.
  const [a, b, c] = ['a'.repeat(128), 'b'.repeat(127), 'c'.repeat(256)];
  test.each([
    ['256 bytes in one', `${a} ${b}`, [`${a} ${b}`]],
    ['a space at the very end', `${a} ${b} `, [a, `${b} `]],
    ['a space before the last byte', `${a} ${b} x`, [`${a} ${b}`, 'x']],
    ['two spaces where it is cut', `${a}  ${c}`, [`${a} `, c]],
    ['a space at the beginning', ` ${a} ${c}`, [` ${a}`, c]],
    ['nothing but spaces', ' '.repeat(300), [' '.repeat(256), ' '.repeat(43)]],
    ['257 spaces', ' '.repeat(257), [' '.repeat(255), ' ']],
  ])('%s', (_name, text, pieces) => {
    expect(sent(message(['all'], text), proftpd, 'binary')).toEqual({
      action: 'msg',
      args: ['all', ...pieces],
    });
  });

  test('a text that must fit does fit', () => {
    const text = words(1000).join(' ').slice(0, 5113).trimEnd();
    const {args} = sent(message(['user', 'dave'], text), proftpd, 'binary');
    expect(args.slice(2).join(' ')).toBe(text);
    expect(Buffer.byteLength(args.join('')) + 8 + 4 * args.length).toBeLessThan(8192);
  });

  test('as few arguments as possible', () => {
    const hundred = words(100).join(' ');
    expect(sent(message(['all'], 'a b c'), proftpd, 'binary').args).toEqual(['all', 'a b c']);
    expect(sent(message(['all'], hundred), proftpd, 'json').args).toEqual(['all', hundred]);
    expect(sent(message(['all'], hundred), proftpd, 'binary').args).toHaveLength(3);
  });

  test('5113 bytes are the most that a session shows whole', () => {
    const text = (length: number) =>
      'abcd '
        .repeat(1100)
        .slice(0, length - 1)
        .concat('x');
    expect(
      sent(message(['all'], text(5113)), proftpd, 'binary')
        .args.slice(1)
        .join(' '),
    ).toBe(text(5113));
    expect(refusal(message(['all'], text(5114)), proftpd, 'binary').message).toBe(
      'the message has 5114 bytes, this server takes at most 5113',
    );
  });

  test.each([
    ['in the middle', `a ${'x'.repeat(257)} b`, 257],
    ['at the beginning', 'x'.repeat(300), 300],
    ['behind a space that stays with it', ` ${'x'.repeat(256)}`, 257],
  ])('a word that cannot be cut is refused with its size: %s', (_name, text, size) => {
    expect(refusal(message(['all'], text), proftpd, 'binary').message).toBe(
      `the word "${'x'.repeat(40)}…" has ${size} bytes, this server takes at most 256`,
    );
  });

  test.each(['binary', 'json'] as const)('UTF-8 is the trouble to speak of, not its size: %s', (dialect) => {
    expect(refusal(message(['all'], 'é'.repeat(300)), proftpd, dialect).code).toBe('REFUSED_NON_ASCII');
  });

  test('several lines go to ftpdctl serve beside the arguments, to no ProFTPD', () => {
    expect(sent(message(['all'], 'one\ntwo'), serve, 'json')).toEqual({
      action: 'msg',
      args: ['all'],
      options: {lines: ['one', 'two']},
    });
    const refused = refusal(message(['all'], 'one\ntwo'), proftpd, 'json');
    expect(refused).toMatchObject({code: 'REFUSED_CONTROL', exitStatus: 3});
    expect(refused.message).toMatch(/several lines, and a ProFTPD from 1\.3\.9 on can crash/);
    expect(refused.hint).toContain('--join-lines');
  });

  test('keys beside the arguments go with a message, too', () => {
    expect(sent(message(['all'], 'hi', {urgent: true}), serve, 'json').options).toEqual({urgent: true});
    expect(sent(message(['all'], 'a\nb', {urgent: true}), serve, 'json').options).toEqual({
      urgent: true,
      lines: ['a', 'b'],
    });
  });
});

describe('a dry run', () => {
  test.each(['binary', 'json'] as const)('is never sent to a ProFTPD of the %s dialect', (dialect) => {
    const refused = refusal(message(['all'], 'hi', {dryRun: true}), proftpd, dialect);
    expect(refused).toMatchObject({code: 'REFUSED_UNSUPPORTED', exitStatus: 7});
    expect(refused.message).toMatch(/nothing was sent$/);
  });

  test('carries no text where a ProFTPD would read it', () => {
    const {args, options} = sent(message(['user', 'dave'], 'hi', {dryRun: true}), serve, 'json');
    expect({args, options}).toEqual({args: ['user', 'dave'], options: {dryRun: true, lines: ['hi']}});
  });
});
