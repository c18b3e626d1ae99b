import type {Acl, ResolvedRule, SocketAccess} from '../acl/resolve.ts';
import type {Location} from '../config/errors.ts';
import {quoteWord} from '../config/lexer.ts';
import {aclItems} from '../config/values.ts';

/** A change to a file. Lines are counted as they are before it. */
export type Edit =
  | {readonly action: 'append'; readonly file: string; readonly lines: readonly string[]}
  /** After a line; 0: at the top. */
  | {
      readonly action: 'insert';
      readonly file: string;
      readonly line: number;
      readonly lines: readonly string[];
    }
  | {
      readonly action: 'replace';
      readonly file: string;
      readonly line: number;
      readonly lines: readonly string[];
    }
  | {readonly action: 'delete'; readonly file: string; readonly line: number; readonly lines: readonly []};

/** What to do about a finding, in this order. */
export interface Mend {
  readonly edits: readonly Edit[];
  /** What root types in a shell. */
  readonly commands: readonly string[];
  /** Whether the daemon is to be restarted then. */
  readonly restart: boolean;
  /** Words to put before `ftpdctl`, where nothing else is to be done. */
  readonly prefix: string | null;
}

export function mend(parts: Partial<Mend>): Mend {
  return {edits: [], commands: [], restart: false, prefix: null, ...parts};
}

export function append(file: string, ...lines: string[]): Edit {
  return {action: 'append', file, lines};
}

export function replace({file, line}: Location, ...lines: string[]): Edit {
  return {action: 'replace', file, line, lines};
}

export function remove({file, line}: Location): Edit {
  return {action: 'delete', file, line, lines: []};
}

/** A word as a shell takes it, whatever is in it. */
export function shellWord(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** What root types to make a directory; `/run` is empty after each start of the machine, where tmpfiles.d(5) fills it. */
export function makeDirectory(directory: string): string[] {
  const make = `mkdir -p -m 755 ${shellWord(directory)}`;
  const [, inRun] = /^(?:\/var)?(\/run\/[\w./-]+)$/.exec(directory) ?? [];
  if (inRun === undefined) return [make];
  return [make, `[ ! -d /etc/tmpfiles.d ] || echo 'd ${inRun}' >>/etc/tmpfiles.d/proftpd.conf`];
}

interface Someone {
  readonly user: string;
  readonly group: string;
}

/**
 * The line that lets somebody send messages: of two lists either is enough, so that the list of users is the one to
 * change.
 * @param file where a line is added that is not there
 */
export function letSend(acl: Acl, {user}: Someone, file: string): Edit {
  const {user: rule} = acl;
  const line = (list: string) => `MessageControlsACLs all ${list}`;
  if (rule === null) return append(file, line(`allow user ${quoteWord(user)}`));
  return replace(rule.rule.at, line(listWith(rule, user)));
}

/** The line that lets somebody connect. There is one list only: of users, or of groups. */
export function letConnect(socket: SocketAccess, {user, group}: Someone, file: string): Edit {
  const rule = socket.kind === 'set' ? (socket.acl.user ?? socket.acl.group) : null;
  if (rule === null) return append(file, `ControlsSocketACL allow user ${quoteWord(user)}`);
  return replace(
    rule.rule.at,
    `ControlsSocketACL ${listWith(rule, rule.rule.kind === 'user' ? user : group)}`,
  );
}

/** A list that says yes to one more, and to all those it did before. */
function listWith({rule, everybody}: ResolvedRule, name: string): string {
  const {effect, kind} = rule;
  const names = aclItems(rule.list).filter((item) => item !== '' && item !== '*');
  if (effect === 'allow') return `allow ${kind} ${listOf([...names, name])}`;
  if (everybody) return `allow ${kind} ${listOf([name])}`;
  const others = names.filter((each) => each !== name);
  return others.length === 0 ? `allow ${kind} *` : `deny ${kind} ${listOf(others)}`;
}

function listOf(names: readonly string[]): string {
  return quoteWord([...new Set(names)].join(','));
}
