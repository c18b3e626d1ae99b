import {parseControlResponse} from 'basic-ftp/dist/parseControlResponse.js';
import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {mayJoin} from '../../src/lib/reply/commands.ts';
import {
  countThatFit,
  formatReply,
  joinMessages,
  MAX_JOINED_OCTETS,
  MAX_REPLY_LINE,
  messageLines,
  reply,
} from '../../src/lib/reply/reply.ts';
import {oracle} from '../helpers/oracle.ts';
import {endsLikeBsd, endsLikeCurl, parseReplies} from '../helpers/rfc959.ts';

describe('formatReply', () => {
  test.each([
    ['one line', reply(200, 'NOOP command successful'), '200 NOOP command successful\r\n'],
    [
      'two lines',
      reply(200, 'NOOP command successful', 'Hello'),
      '200-NOOP command successful\r\n200 Hello\r\n',
    ],
    [
      'lines in between',
      reply(211, 'Features:', 'EPRT', 'EPSV', 'End'),
      '211-Features:\r\n EPRT\r\n EPSV\r\n211 End\r\n',
    ],
    ['a line that looks like an end', reply(211, 'a', '211 b', 'c'), '211-a\r\n 211 b\r\n211 c\r\n'],
    [
      'a path with line ends and a tab: neither ends the line',
      reply(550, 'a\r\n221 b\tc: No such file'),
      '550 a\r\\x0a221 b\tc: No such file\r\n',
    ],
    ['an empty line', reply(200, ''), '200 \r\n'],
  ])('%s', (_name, given, wire) => {
    expect(formatReply(given)).toBe(wire);
  });
});

const NOOP = reply(200, 'NOOP command successful');
const FEAT = reply(211, 'Features:', 'EPRT', 'End');

const show = (given: typeof NOOP, ...texts: string[]): string => formatReply(joinMessages(given, texts));

describe('joinMessages', () => {
  test.each([
    ['no message', NOOP, [], '200 NOOP command successful\r\n'],
    ['one', NOOP, ['Hello'], '200-NOOP command successful\r\n200 Hello\r\n'],
    ['three, in order', NOOP, ['1', '2', '3'], '200-NOOP command successful\r\n 1\r\n 2\r\n200 3\r\n'],
    ['a reply of several lines', FEAT, ['Hi'], '211-Features:\r\n EPRT\r\n End\r\n211 Hi\r\n'],
    [
      'a reply whose last line stays',
      {...NOOP, closing: true},
      ['1', '2'],
      '200-1\r\n 2\r\n200 NOOP command successful\r\n',
    ],
    [
      'several lines of which the last stays',
      {...FEAT, closing: true},
      ['Hi'],
      '211-Features:\r\n EPRT\r\n Hi\r\n211 End\r\n',
    ],
    [
      'no message, the last line staying',
      {...FEAT, closing: true},
      [],
      '211-Features:\r\n EPRT\r\n211 End\r\n',
    ],
    ['no message to an error', reply(550, 'Too many'), [], '550 Too many\r\n'],
    ['a text of several lines', NOOP, ['a\nb'], '200-NOOP command successful\r\n a\r\n200 b\r\n'],
    [
      'a text that looks like an end',
      NOOP,
      ['200 x\n221 y'],
      '200-NOOP command successful\r\n 200 x\r\n200 221 y\r\n',
    ],
    ['an error', reply(550, 'x: No such file'), ['Hi'], '550-x: No such file\r\n550 Hi\r\n'],
    [
      'words on which lftp tries again',
      reply(550, 'x: No such file'),
      ['Too many users'],
      '550-Too many users\r\n550 x: No such file\r\n',
    ],
    [
      'the same words on a success',
      NOOP,
      ['Too many users'],
      '200-NOOP command successful\r\n200 Too many users\r\n',
    ],
  ] as const)('%s', (_name, given, texts, wire) => {
    expect(show(given, ...texts)).toBe(wire);
  });

  test('any texts: one reply, to every parser, with every text in order', () => {
    const unit = fc.oneof(
      fc.string({unit: 'grapheme'}),
      fc.constantFrom(
        '\r\n',
        '\n',
        '\r',
        '\n200 ',
        '\r\n221-',
        '\xff',
        '\x1b[2J',
        '\u2028',
        '\ud800',
        '\t',
        ' ',
        '200 ',
      ),
    );
    const text = fc.array(unit, {maxLength: 40}).map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        fc.array(text, {maxLength: 4}),
        fc.constantFrom(NOOP, FEAT, reply(550, 'x: y'), {...NOOP, closing: true}),
        (texts, given) => {
          const wire = show(given, ...texts);
          const [only, ...more] = parseReplies(wire);
          expect(more).toEqual([]);
          expect(only?.code).toBe(String(given.code));
          expect([...only!.lines].sort()).toEqual(
            [...given.lines, ...texts.flatMap((each) => messageLines(each))].sort(),
          );
          expect(wire).not.toMatch(/[^\x20-\x7e\r\n\u{a0}-\u{10ffff}]/u);
          const count = wire.split('\n').length - 1;
          expect([endsLikeBsd(wire), endsLikeCurl(wire)]).toEqual([count, count]);
          expect(parseControlResponse(wire)).toMatchObject({messages: {length: 1}, rest: ''});
        },
      ),
      {numRuns: 300},
    );
  });
});

describe('messageLines', () => {
  test.each([
    ['plain', 'Hello', ['Hello']],
    ['empty', '', ['']],
    ['empty line within', 'a\n\nb', ['a', '', 'b']],
    ['every line end', 'a\r\nb\rc\nd\u2028e', ['a', 'b', 'c', 'd', 'e']],
    ['line end at the end', 'a\n', ['a']],
    ['several line ends at the end', 'a\r\n\r\n', ['a']],
    ['tab', 'a\tb', ['a b']],
    ['as much as one line takes', 'x'.repeat(506), ['x'.repeat(506)]],
    ['one octet more', 'x'.repeat(507), ['x'.repeat(506), 'x']],
    ['controls', '\x1b[31m\x00\x7f\x9b', ['\\x1b[31m\\x00\\x7f\\x9b']],
    ['UTF-8', 'hé ☃ 👍', ['hé ☃ 👍']],
  ])('%s', (_name, text, lines) => {
    expect(messageLines(text)).toEqual(lines);
  });

  test('a client without UTF-8 gets the nearest letters, or question marks', () => {
    expect(messageLines('Größe: naïve ☃ ﬁn', 'ascii')).toEqual(['Gro?e: naive ? fin']);
    expect(messageLines('a\u2028b', 'ascii')).toEqual(['a', 'b']);
  });

  test('long lines break after a space, within 512 octets, and never within a character', () => {
    const line = fc
      .string({unit: 'grapheme', minLength: 200, maxLength: 3000})
      .filter((text) => !/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(text));
    fc.assert(
      fc.property(line, (text) => {
        const pieces = messageLines(text);
        expect(pieces.join('')).toBe(text);
        for (const piece of pieces)
          expect(Buffer.byteLength(`200 ${piece}\r\n`)).toBeLessThanOrEqual(MAX_REPLY_LINE);
      }),
      {numRuns: 100},
    );
    const words = 'word '.repeat(300);
    expect(
      messageLines(words)
        .slice(0, -1)
        .every((piece) => piece.endsWith(' ')),
    ).toBe(true);
    expect(messageLines('é'.repeat(400)).map((piece) => Buffer.byteLength(piece))).toEqual([506, 294]);
  });
});

test('what joins one reply is bounded, and never nothing', () => {
  const third = 'x'.repeat(MAX_JOINED_OCTETS / 3);
  expect(countThatFit([])).toBe(0);
  expect(countThatFit([third, third])).toBe(2);
  expect(countThatFit([third, third, third])).toBe(2);
  expect(countThatFit([`${third}${third}${third}`, 'y'])).toBe(1);
  const half = Array.from({length: MAX_JOINED_OCTETS / 2 / 96}, () => 'x'.repeat(93)).join('\n');
  expect(countThatFit([half, half])).toBe(2);
  expect(countThatFit([half, `${half}x`])).toBe(1);
  expect(countThatFit(['y', '\n'.repeat(MAX_JOINED_OCTETS / 3).concat('y')])).toBe(1);
});

/** What the real module does with a text that it should not have let through, and what we do instead. */
const DELIBERATE: Record<string, string> = {
  raw_latin1: 'a message is Unicode; what is no UTF-8 cannot be one',
  raw_ff_iac: 'the same',
  '1.3.10rc5 raw_no_trailing_nul': 'the real module reads one byte too many',
  raw_crlf: 'the second line would be a reply of its own',
  raw_lf: 'the same',
  raw_only_crlf: 'the same',
  raw_leading_crlf: 'the same',
  raw_tab: 'a tab is shown as a space',
  raw_esc: 'a message must not drive the terminal',
};

interface TextVariant {
  readonly via: string;
  readonly text?: string;
  readonly payload_hex?: string;
  readonly NOOP?: readonly string[];
  readonly extra?: string | null;
}

const {text_variants: variants} = oracle<{text_variants: Record<string, Record<string, TextVariant>>}>(
  'inject',
);

describe.each(Object.keys(variants))('texts as the real module of %s shows them', (version) => {
  const cases = Object.entries(variants[version]!).filter(([, {NOOP: lines}]) => lines !== undefined);

  test.each(cases)('%s', (name, {text, payload_hex, NOOP: lines, extra}) => {
    const given = text ?? Buffer.from(payload_hex!, 'hex').toString('utf8').replace(/\0$/, '');
    const ours = Buffer.from(show(NOOP, given), 'utf8');
    // The oracle holds octets, each as one character.
    const real = Buffer.from(`${lines!.join('')}${extra ?? ''}`, 'latin1');
    if (name in DELIBERATE || `${version} ${name}` in DELIBERATE) expect(ours).not.toEqual(real);
    else expect(ours).toEqual(real);
    expect(parseReplies(show(NOOP, given))).toHaveLength(1);
  });
});

interface DuringTransfer {
  readonly reply_1: readonly string[];
  readonly reply_2?: readonly string[];
  readonly replies?: readonly (readonly string[])[];
  readonly extra?: string;
  readonly NOOP_after: readonly string[];
}

const inject = oracle<{
  during_transfer: Record<string, Record<string, DuringTransfer>>;
  MultilineRFC2228_on: Record<string, Record<string, {with_message: readonly string[]}>>;
  commands: Record<string, Record<string, {with_message: readonly string[]}>>;
}>('inject');

describe.each(Object.keys(inject.during_transfer))('a message during a transfer, in %s', (version) => {
  test.each(Object.entries(inject.during_transfer[version]!))('%s: it stands in the 226', (name, during) => {
    const verb = name.split(' ')[0]!.replace(',', '');
    expect(during.reply_1).toEqual([expect.stringMatching(/^150 /)]);
    expect(mayJoin(verb, '', 150)).toBe(false);
    expect(mayJoin(verb, '', 226)).toBe(true);
    const real = (during.reply_2 ?? during.replies![0]!).join('');
    expect(formatReply(joinMessages(reply(226, 'Transfer complete'), ['during transfer 0']))).toBe(real);
    expect(during.NOOP_after).toEqual(['200 NOOP command successful\r\n']);
  });
});

describe.each(Object.keys(inject.MultilineRFC2228_on))('MultilineRFC2228 of %s', (version) => {
  test.each(
    Object.entries(inject.MultilineRFC2228_on[version]!),
  )('%s: a message joins as without it', (command, {with_message: lines}) => {
    const places = (text: string) => text.replace(/\{case\}|unique=[0-9A-F]*U[0-9A-F]*|modify=\d+/g, '…');
    expect(lines.map(places)).toEqual(inject.commands[version]![command]!.with_message.map(places));
  });
});
