import {readFileSync} from 'node:fs';
import type {Caller, NameService} from '../../src/lib/acl/names.ts';
import {type AccessControl, type Judgement, resolveAcls} from '../../src/lib/acl/resolve.ts';
import {loadSettings} from '../../src/lib/config/load.ts';
import {memorySource} from '../config/memorySource.ts';

type Verdict = 'allowed' | 'denied';

export interface VerdictCase {
  readonly acl_lines: readonly string[];
  readonly probes: readonly string[];
  /** By version: by caller a verdict, or by caller and action; or that the daemon did not start. */
  readonly [version: string]: unknown;
}

interface Oracle {
  readonly users: Record<string, string>;
  readonly callers: Record<string, {readonly how: string}>;
  readonly verdicts: Record<string, VerdictCase>;
}

export const oracle = JSON.parse(
  readFileSync(new URL('../oracle/acl.json', import.meta.url), 'utf8'),
) as Oracle;

const users = new Map<string, number>([['root', 0]]);
const groups = new Map<string, number>([['root', 0]]);
for (const [name, id] of Object.entries(oracle.users)) {
  const [own, memberships] = id.split(' gid=') as [string, string];
  users.set(name, Number(/\d+/.exec(own)![0]));
  for (const [, gid, group] of memberships.matchAll(/(\d+)\((\w+)\)/g)) groups.set(group!, Number(gid));
}

/** The users and groups of the machine the verdicts were measured on. */
export const measuredNames: NameService = {uid: (name) => users.get(name), gid: (name) => groups.get(name)};

/** The caller as `setpriv` made it: effective uid, gid. */
export function callerOf(how: string): Caller {
  const uid = /--(?:reuid|euid) (\S+)/.exec(how)![1]!;
  const gid = /--regid (\S+)/.exec(how)![1]!;
  return {uid: users.get(uid) ?? Number(uid), gid: groups.get(gid) ?? Number(gid)};
}

/** The verdict for one caller and one action. */
export function measured(verdicts: unknown, caller: string, action: string): Verdict {
  const verdict = (verdicts as Record<string, Verdict | Record<string, Verdict>>)[caller]!;
  return typeof verdict === 'string' ? verdict : verdict[action]!;
}

export const FILE = '/d/p.conf';

/** The ACLs of a configuration, as the server resolves them. */
export function controlOf(
  lines: readonly string[],
  {names = measuredNames, ...judgement}: Judgement & {readonly names?: NameService} = {},
): AccessControl {
  const {settings} = loadSettings(memorySource({[FILE]: lines.join('\n')}), FILE);
  const {engine} = settings.controls;
  return resolveAcls(settings.acls, names, {engine, ...judgement});
}
