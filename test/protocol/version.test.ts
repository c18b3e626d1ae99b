import {expect, test} from 'vitest';
import {
  compareVersions,
  formatVersion,
  isOpenWithoutSocketAcl,
  parseVersion,
} from '../../src/lib/protocol/version.ts';

/** In order; whether everybody may connect without a ControlsSocketACL. */
const VERSIONS: readonly [string, boolean][] = [
  ['1.2.10', true],
  ['1.3.5rc4', true],
  ['1.3.5', true],
  ['1.3.5e', true],
  ['1.3.8', true],
  ['1.3.8c', true],
  ['1.3.9rc3', true],
  ['1.3.9', true],
  ['1.3.9a', true],
  ['1.3.9b', true],
  ['1.3.9c', false],
  ['1.3.9d', false],
  ['1.3.10rc1', true],
  ['1.3.10rc2', true],
  ['1.3.10rc3', false],
  ['1.3.10rc10', false],
  ['1.3.10', false],
  ['1.3.10a', false],
  ['1.3.11rc1', false],
  ['1.4.0', false],
  ['2.0.0rc1', false],
];

test.each(VERSIONS)('%s: without a ControlsSocketACL everybody may connect: %j', (text, open) => {
  const version = parseVersion(text)!;
  expect(formatVersion(version)).toBe(text);
  expect(isOpenWithoutSocketAcl(version)).toBe(open);
});

test('each is newer than all those before it', () => {
  const versions = VERSIONS.map(([text]) => parseVersion(text)!);
  const signs = versions.flatMap((a, i) =>
    versions.map((b, j) => [Math.sign(compareVersions(a, b)), Math.sign(i - j)]),
  );
  expect(signs.length).toBe(VERSIONS.length ** 2);
  for (const [found, expected] of signs) expect(found).toBe(expected);
});

test.each([
  ['ProFTPD Version 1.3.8', '1.3.8'],
  ['ProFTPD Version 1.3.10rc5 (git)\n', '1.3.10rc5'],
  ['ProFTPD Version 1.3.8b', '1.3.8b'],
  ['ProFTPD Version: 1.3.9rc3 (devel)', '1.3.9rc3'],
  ['1.3', undefined],
  ['1.3.x', undefined],
  ['1.3.8beta', undefined],
  ['1.3.8.1', undefined],
  ['v11.3.8rc', undefined],
  ['', undefined],
])('%j is %s', (text, expected) => {
  const version = parseVersion(text);
  expect(version && formatVersion(version)).toBe(expected);
});
