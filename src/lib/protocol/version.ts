/** A version of ProFTPD: `1.3.10`, `1.3.9b` (a maintenance release), `1.3.10rc3` (a candidate for 1.3.10). */
export interface ProftpdVersion {
  readonly numbers: readonly [major: number, minor: number, patch: number];
  /** Below 0: release candidates, rc1 the lowest; 0: the release; above: its maintenance releases, `a` being 1. */
  readonly stage: number;
}

/** More than any release candidate's number. */
const RELEASE_CANDIDATES = 1000;

const VERSION =
  /(?:^|[^0-9.A-Za-z])([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(?:rc([0-9]{1,3})|([a-z]))?(?![0-9A-Za-z.])/;

/** The first version in a text: `1.3.9b`, or what `proftpd -v` prints; `undefined` where there is none. */
export function parseVersion(text: string): ProftpdVersion | undefined {
  const [, major, minor, patch, candidate, letter] = VERSION.exec(text) ?? [];
  if (patch === undefined) return undefined;
  const stage =
    candidate === undefined
      ? (letter?.charCodeAt(0) ?? BEFORE_A) - BEFORE_A
      : Number(candidate) - RELEASE_CANDIDATES;
  return {numbers: [Number(major), Number(minor), Number(patch)], stage};
}

const BEFORE_A = 'a'.charCodeAt(0) - 1;

/** As ProFTPD writes it. */
export function formatVersion({numbers, stage}: ProftpdVersion): string {
  const suffix =
    stage < 0 ? `rc${stage + RELEASE_CANDIDATES}` : stage > 0 ? String.fromCharCode(BEFORE_A + stage) : '';
  return `${numbers.join('.')}${suffix}`;
}

/** Below 0: `a` came before `b`. 1.3.9 < 1.3.9a < 1.3.10rc1 < 1.3.10rc2 < 1.3.10. */
export function compareVersions(a: ProftpdVersion, b: ProftpdVersion): number {
  const [left, right] = [a, b].map(({numbers, stage}) => [...numbers, stage]) as [number[], number[]];
  const index = left.findIndex((number, at) => number !== right[at]);
  return index === -1 ? 0 : left[index]! - right[index]!;
}

const SHUT_SINCE = [
  {first: parseVersion('1.3.9c')!, before: parseVersion('1.3.10rc1')!},
  {first: parseVersion('1.3.10rc3')!, before: null},
] as const;

/**
 * Whether everybody may connect where there is no ControlsSocketACL: up to 1.3.9b and 1.3.10rc2 everybody may, from
 * 1.3.9c and 1.3.10rc3 on nobody (issue 2210 of ProFTPD's tracker; measured on 1.3.8 and 1.3.10rc5).
 */
export function isOpenWithoutSocketAcl(version: ProftpdVersion): boolean {
  return !SHUT_SINCE.some(
    ({first, before}) =>
      compareVersions(version, first) >= 0 && (before === null || compareVersions(version, before) < 0),
  );
}
