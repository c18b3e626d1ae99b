import {expect, test} from 'vitest';
import {isColourful} from '../../../src/lib/cli/output/colour.ts';

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
