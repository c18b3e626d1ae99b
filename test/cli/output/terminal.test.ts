import {expect, test} from 'vitest';
import {isColourful, watch} from '../../../src/lib/cli/output/terminal.ts';

const TERMINAL = {isTTY: true};
const PIPE = {isTTY: false};

test.each([
  [TERMINAL, {TERM: 'xterm'}, true],
  [TERMINAL, {TERM: 'dumb'}, false],
  [TERMINAL, {}, false],
  [TERMINAL, {TERM: 'xterm', NO_COLOR: '1'}, false],
  [TERMINAL, {TERM: 'xterm', NO_COLOR: ''}, true],
  [TERMINAL, {TERM: 'xterm', NO_COLOR: '1', FORCE_COLOR: '1'}, false],
  [TERMINAL, {TERM: 'xterm', FORCE_COLOR: '0'}, false],
  [PIPE, {TERM: 'xterm'}, false],
  [{}, {TERM: 'xterm'}, false],
  [PIPE, {FORCE_COLOR: '1'}, true],
  [PIPE, {FORCE_COLOR: ''}, true],
  [PIPE, {FORCE_COLOR: 'false'}, false],
])('%j with %j: %j', (stream, env, colourful) => {
  expect(isColourful(stream, env)).toBe(colourful);
});

function screenOf(rows: number, columns: number) {
  let written = '';
  return {
    rows,
    columns,
    write(text: string) {
      written += text;
      return true;
    },
    get written() {
      return written;
    },
  };
}

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

test('draws in place, cuts what the screen cannot hold, and leaves the screen as it was', async () => {
  const screen = screenOf(3, 6);
  const stop = new AbortController();
  const frames = ['one\ntwo\nthree\nfour', 'a long line'];
  await watch(
    async () => {
      const text = frames.shift()!;
      if (frames.length === 0) setImmediate(() => stop.abort());
      return text;
    },
    1,
    stop.signal,
    screen,
  );
  const first = '\x1b[Hone\x1b[K\r\ntwo\x1b[K\r\n(2 mor\x1b[K\x1b[J';
  const second = '\x1b[Ha long\x1b[K\x1b[J';
  expect(screen.written).toBe(`${ENTER}${first}${second}${LEAVE}`);
});

test('a first look that fails draws nothing', async () => {
  const screen = screenOf(24, 80);
  const looking = watch(
    () => Promise.reject(new Error('nobody there')),
    1,
    new AbortController().signal,
    screen,
  );
  await expect(looking).rejects.toThrow('nobody there');
  expect(screen.written).toBe('');
});

test('a later look that fails leaves the screen first', async () => {
  const screen = screenOf(24, 80);
  const looks = [Promise.resolve('fine')];
  const looking = watch(
    () => looks.pop() ?? Promise.reject(new Error('gone')),
    1,
    new AbortController().signal,
    screen,
  );
  await expect(looking).rejects.toThrow('gone');
  expect(screen.written.endsWith(LEAVE)).toBe(true);
});
