import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {type FtpLine, LineReader, MAX_COMMAND_LINE} from '../../../src/lib/ftp/control/lines.ts';

const command = (text: string): FtpLine => ({kind: 'command', text});
const octets = (...parts: (string | number)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));
const [IAC, WILL, DO, IP, DM] = [255, 251, 253, 244, 242];

/** Several pieces: what is in one piece may be read otherwise only where the table says so. */
function read(...pieces: Buffer[]): FtpLine[] {
  const reader = new LineReader();
  return pieces.flatMap((piece) => {
    reader.push(piece);
    return [...all(reader)];
  });
}

function* all(reader: LineReader): Generator<FtpLine> {
  for (let line = reader.next(); line !== undefined; line = reader.next()) yield line;
}

const TABLE: [string, Buffer, FtpLine[]][] = [
  ['one line', octets('NOOP\r\n'), [command('NOOP')]],
  ['a lone LF', octets('NOOP\nQUIT\n'), [command('NOOP'), command('QUIT')]],
  ['pipelined lines', octets('USER a\r\nPASS b\r\n'), [command('USER a'), command('PASS b')]],
  ['an empty line', octets('\r\n'), [command('')]],
  ['an unfinished line', octets('NOOP\r\nNO'), [command('NOOP')]],
  ['UTF-8', octets('CWD é☃\r\n'), [command('CWD é☃')]],
  ['not UTF-8', octets('CWD ', 0xe9, '\r\n'), [command('CWD \udce9')]],
  ['half a character', octets('CWD é', 0xe2, 0x98, '\r\n'), [command('CWD é\udce2\udc98')]],
  ['binary', octets(0, 1, 2, 0x80, '\n'), [command('\0\x01\x02\udc80')]],
  ['a CR within a name, which is sent as CR NUL', octets('CWD a\r', 0, 'b\r\n'), [command('CWD a\rb')]],
  ['255 before what is no Telnet command', octets('CWD a', IAC, 'b\r\n'), [command('CWD a\udcffb')]],
  ['Telnet options', octets(IAC, WILL, 1, 'NO', IAC, DO, 10, 'OP\r\n'), [command('NOOP')]],
  ['an escaped 255', octets('CWD ', IAC, IAC, '\r\n'), [command('CWD \udcff')]],
  ['ABOR with all of its Telnet', octets(IAC, IP, IAC, DM, 'ABOR\r\n'), [command('ABOR')]],
  ['lftp: the urgent DM is lost', octets(IAC, IP, IAC, 'ABOR\r\n'), [command('ABOR')]],
  ['tnftp: the urgent IAC is lost', octets(IAC, IP, DM, 'ABOR\r\n'), [command('ABOR')]],
  ['ftplib: the urgent LF is lost', octets('ABOR\r'), [command('ABOR')]],
  [
    'as long as a line may be',
    octets('x'.repeat(MAX_COMMAND_LINE), '\r\n'),
    [command('x'.repeat(MAX_COMMAND_LINE))],
  ],
  [
    'too long',
    octets('x'.repeat(MAX_COMMAND_LINE + 2), '\r\nNOOP\r\n'),
    [{kind: 'too long'}, command('NOOP')],
  ],
  ['far too long', octets('x'.repeat(100_000), '\r\nNOOP\r\n'), [{kind: 'too long'}, command('NOOP')]],
];

describe('LineReader', () => {
  test.each(TABLE)('%s', (_name, given, lines) => {
    expect(read(given)).toEqual(lines);
  });

  test.each(
    TABLE.filter(([, {length}]) => length < 100),
  )('%s, split at every octet', (_name, given, lines) => {
    for (let at = 1; at < given.length; at++) {
      expect(read(given.subarray(0, at), given.subarray(at))).toEqual(lines);
    }
    expect(read(...[...given].map((octet) => Buffer.of(octet)))).toEqual(lines);
  });

  test('after an ABOR that has lost its LF the next command is read whole', () => {
    expect(read(octets('ABOR\r'), octets('NOOP\r\n'))).toEqual([command('ABOR'), command('NOOP')]);
  });

  test('a line that has no end is said to be too long once, and not kept', () => {
    const flood = octets('x'.repeat(60_000));
    expect(read(flood, flood, flood, octets('\nNOOP\n'))).toEqual([{kind: 'too long'}, command('NOOP')]);
  });

  test('whatever comes: no exception, and the next clean line is found', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({maxLength: 60}), {maxLength: 8}), (chunks) => {
        const lines = read(...chunks.map((chunk) => Buffer.from(chunk)), octets('x\n\nNOOP\r\n'));
        expect(lines.at(-1)).toEqual(command('NOOP'));
      }),
      {numRuns: 500},
    );
  });
});
