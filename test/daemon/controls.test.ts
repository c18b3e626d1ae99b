import {describe, expect, test} from 'vitest';
import type {ServerInfo} from '../../src/lib/client/serverCache.ts';
import {roomLeft, textRulesOf} from '../../src/lib/daemon/controls.ts';

const servers: [string, ServerInfo][] = [
  ['1.3.8', {dialect: 'binary'}],
  ['1.3.10', {dialect: 'json'}],
  ['serve', {dialect: 'json', serve: {version: '1.2.3', maxRequest: 65_536}}],
];

describe.each(servers)('%s', (_name, server) => {
  const filled = (size: number) =>
    'abc '
      .repeat(size)
      .slice(0, size - 1)
      .concat('x');

  test('as much as is left still fits', () => {
    const left = roomLeft(server, ['user', 'dave'], '');
    expect(roomLeft(server, ['user', 'dave'], filled(left))).toBe(0);
    expect(textRulesOf(server).refusal({audience: ['user', 'dave'], text: filled(left)})).toBeUndefined();
    expect(roomLeft(server, ['user', 'dave'], filled(left + 1))).toBe(-1);
  });
});

test.each(servers.slice(0, 2))('one byte more is refused by the guard: %s', (_name, server) => {
  const text = 'abc '.repeat(2000).slice(0, roomLeft(server, ['all'], '') + 1);
  expect(textRulesOf(server).refusal({audience: ['all'], text})).toMatch(/takes at most/);
});
