import {countOf} from '../text.ts';
import {foldHosts} from './hosts.ts';

/** What one host has to say. */
export interface HostReport {
  readonly host: string;
  /** The same without a user and a port, as ssh speaks of it. */
  readonly address: string;
  /** The lines of an answer, and what was said beside it. */
  readonly lines: readonly string[];
  readonly errors: readonly string[];
  readonly exitStatus: number;
  /** No answer at all. */
  readonly failed: boolean;
}

/** Hosts that have said the same. */
export interface Gathered {
  /** As ranges. */
  readonly hosts: string;
  readonly names: readonly string[];
  readonly lines: readonly string[];
  readonly errors: readonly string[];
  readonly exitStatus: number;
}

/** A number of sessions: hosts that differ in it alone have said the same. */
const COUNT = /\b(\d{1,9})( of (\d{1,9}))?( sessions?\b)/g;

/**
 * Fold identical answers: first those that went well, then the others, at last the hosts that gave none; each kind in the
 * order of its first host. Numbers of sessions are added up.
 */
export function gather(reports: readonly HostReport[]): Gathered[] {
  const alike = new Map<string, HostReport[]>();
  for (const report of reports) {
    const {lines, errors, exitStatus, failed, address} = report;
    const said = failed ? errors.map((line) => line.replaceAll(address, '%h')) : errors.map(withoutCounts);
    const key = JSON.stringify([failed, exitStatus, lines.map(withoutCounts), said]);
    const some = alike.get(key);
    if (some) some.push(report);
    else alike.set(key, [report]);
  }
  return [...alike.values()].sort(([a], [b]) => rankOf(a!) - rankOf(b!)).map(fold);
}

function rankOf({failed, exitStatus}: HostReport): number {
  if (failed) return 2;
  return exitStatus === 0 ? 0 : 1;
}

function fold(reports: readonly HostReport[]): Gathered {
  const [{lines, errors, exitStatus, failed, address}] = reports as [HostReport];
  const addresses = foldHosts(reports.map((report) => report.address));
  const names = reports.map(({host}) => host);
  return {
    hosts: foldHosts(names),
    names,
    lines: lines.map((_, at) => added(reports.map((report) => report.lines[at]!))),
    errors: errors.map((line, at) =>
      failed ? line.replaceAll(address, addresses) : added(reports.map((report) => report.errors[at]!)),
    ),
    exitStatus,
  };
}

function withoutCounts(line: string): string {
  return line.replace(COUNT, (_, _count, of) => `#${of === undefined ? '' : ' of #'} sessions`);
}

/** Lines that differ in numbers of sessions as one, with their sums. */
function added(lines: readonly string[]): string {
  const [first] = lines as [string];
  if (lines.length === 1 || first.search(COUNT) === -1) return first;
  const counts = lines.map((line) =>
    [...line.matchAll(COUNT)].map(([, count, , of]) => [Number(count), Number(of)]),
  );
  let at = -1;
  const sum = first.replace(COUNT, (_, _count, of) => {
    at += 1;
    const [count, all] = [0, 1].map((which) =>
      counts.reduce((total, each) => total + each[at]![which]!, 0),
    ) as [number, number];
    return of === undefined ? countOf(count, 'session') : `${count} of ${countOf(all, 'session')}`;
  });
  return `${sum} in all`;
}
