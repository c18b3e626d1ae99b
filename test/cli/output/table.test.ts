import {expect, test} from 'vitest';
import {table} from '../../../src/lib/cli/output/table.ts';

const HEADER = ['ID', 'USER'];
const ROWS = [
  ['1.2', 'dave'],
  ['1.30', 'alice'],
];
const COLUMNS = 'ID    USER\n1.2   dave\n1.30  alice\n';

test.each([
  ['no terminal', Number.POSITIVE_INFINITY, COLUMNS],
  ['a terminal that holds it', 11, COLUMNS],
  ['a narrower one', 10, 'ID    1.2\nUSER  dave\n\nID    1.30\nUSER  alice\n'],
])('%s', (_name, width, text) => expect(table(HEADER, ROWS, width)).toBe(text));
