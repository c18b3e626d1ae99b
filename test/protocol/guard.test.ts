import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {encodeBinaryRequest} from '../../src/lib/protocol/binary.ts';
import {checkRequest, messageRequest, type Peer, RequestRefused} from '../../src/lib/protocol/guard.ts';
import type {Dialect} from '../../src/lib/protocol/message.ts';

const proftpd: Peer = {kind: 'proftpd'};
const serve: Peer = {kind: 'serve', maxRequest: 65536};
const words = (count: number) => Array.from({length: count}, (_, i) => `w${i}`);

function refusal(call: () => unknown): RequestRefused {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(RequestRefused);
    return error as RequestRefused;
  }
  throw new Error('nothing was refused');
}

describe('what crashes, resets or hangs a daemon is refused', () => {
  const lethal: [string, Dialect, string[], string][] = [
    ['UTF-8', 'binary', ['all', 'grüße'], 'REFUSED_NON_ASCII'],
    ['UTF-8', 'json', ['all', 'grüße'], 'REFUSED_NON_ASCII'],
    ['newline', 'binary', ['all', 'a\nb'], 'REFUSED_CONTROL'],
    ['tab', 'json', ['all', 'a\tb'], 'REFUSED_CONTROL'],
    ['DEL', 'binary', ['all', 'a\u007fb'], 'REFUSED_CONTROL'],
    ['NUL', 'json', ['all', 'a\0b'], 'REFUSED_CONTROL'],
    ['C1', 'json', ['all', 'a\u0085b'], 'REFUSED_CONTROL'],
    ['a lone surrogate', 'json', ['all', 'a\ud800b'], 'REFUSED_ENCODING'],
    ['an argument of 257 bytes', 'binary', ['all', 'x'.repeat(257)], 'REFUSED_SIZE'],
    ['33 strings', 'binary', ['all', ...words(31)], 'REFUSED_SIZE'],
    [
      'JSON of 1025 bytes',
      'json',
      ['all', 'x'.repeat(1025 - '{"action":"msg","args":["all",""]}'.length)],
      'REFUSED_SIZE',
    ],
  ];
  test.each(lethal)('%s in %s', (_name, dialect, args, code) => {
    expect(refusal(() => checkRequest(dialect, {action: 'msg', args}, proftpd))).toMatchObject({
      code,
      exitStatus: 3,
    });
  });

  const longest: [string, Dialect, string[]][] = [
    ['an argument of 256 bytes', 'binary', ['all', 'x'.repeat(256)]],
    ['32 strings', 'binary', ['all', ...words(30)]],
    ['JSON of 1024 bytes', 'json', ['all', 'x'.repeat(1024 - '{"action":"msg","args":["all",""]}'.length)]],
  ];
  test.each(longest)('%s passes', (_name, dialect, args) => {
    checkRequest(dialect, {action: 'msg', args}, proftpd);
  });

  test('an action of 128 bytes', () => {
    checkRequest('binary', {action: 'a'.repeat(127), args: []}, proftpd);
    refusal(() => checkRequest('binary', {action: 'a'.repeat(128), args: []}, proftpd));
  });

  test('control characters are refused by every server, UTF-8 is not', () => {
    checkRequest('json', {action: 'msg', args: ['all', 'grüße 😀']}, serve);
    expect(refusal(() => checkRequest('json', {action: 'msg', args: ['all', 'a\u001bb']}, serve)).code).toBe(
      'REFUSED_CONTROL',
    );
  });

  test('the message says which character and where', () => {
    const {message, hint} = refusal(() =>
      checkRequest('json', {action: 'msg', args: ['all', 'grüße']}, proftpd),
    );
    expect(message).toContain('"ü" (U+00FC) at character 3 of "grüße"');
    expect(hint).toContain('--transliterate');
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
        let request: ReturnType<typeof messageRequest>;
        try {
          request = messageRequest('binary', ['user', 'dave'], text, proftpd);
        } catch (error) {
          expect(error).toBeInstanceOf(RequestRefused);
          return;
        }
        const pieces = request.args.slice(2);
        expect(pieces.join(' ')).toBe(text);
        expect(pieces.every((piece) => piece.length > 0 && piece.length <= 256)).toBe(true);
        expect(request.args.length).toBeLessThanOrEqual(31);
      }),
    );
  });

  test('a text that must fit does fit', () => {
    const text = words(1000).join(' ').slice(0, 5113).trimEnd();
    const request = messageRequest('binary', ['user', 'dave'], text, proftpd);
    expect(request.args.slice(2).join(' ')).toBe(text);
    expect(encodeBinaryRequest(request).length).toBeLessThan(8192);
  });

  test('as few arguments as possible', () => {
    expect(messageRequest('binary', ['all'], 'a b c', proftpd).args).toEqual(['all', 'a b c']);
    expect(messageRequest('json', ['all'], words(100).join(' '), proftpd).args).toHaveLength(2);
    expect(messageRequest('binary', ['all'], words(100).join(' '), proftpd).args).toHaveLength(3);
  });

  test('5113 bytes are the most that a session shows whole', () => {
    const text = (length: number) =>
      'abcd '
        .repeat(1100)
        .slice(0, length - 1)
        .concat('x');
    messageRequest('binary', ['all'], text(5113), proftpd);
    const {message} = refusal(() => messageRequest('binary', ['all'], text(5114), proftpd));
    expect(message).toMatch(/5114 bytes.*5113/);
  });

  test('a word that cannot be cut is refused with its size', () => {
    expect(
      refusal(() => messageRequest('binary', ['all'], `a ${'x'.repeat(257)} b`, proftpd)).message,
    ).toMatch(/257.*256/);
  });

  test('several lines go to ftpdctl serve beside the arguments, to no ProFTPD', () => {
    expect(messageRequest('json', ['all'], 'one\ntwo', serve)).toEqual({
      action: 'msg',
      args: ['all'],
      options: {lines: ['one', 'two']},
    });
    expect(refusal(() => messageRequest('json', ['all'], 'one\ntwo', proftpd)).hint).toContain(
      '--join-lines',
    );
  });
});

describe('a dry run', () => {
  test.each(['binary', 'json'] as const)('is never sent to a ProFTPD of the %s dialect', (dialect) => {
    expect(refusal(() => messageRequest(dialect, ['all'], 'hi', proftpd, {dryRun: true}))).toMatchObject({
      code: 'REFUSED_UNSUPPORTED',
      exitStatus: 7,
    });
  });

  test('carries no text where a ProFTPD would read it', () => {
    const {args, options} = messageRequest('json', ['user', 'dave'], 'hi', serve, {dryRun: true});
    expect({args, options}).toEqual({args: ['user', 'dave'], options: {dryRun: true, lines: ['hi']}});
  });
});
