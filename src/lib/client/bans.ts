import {isIP} from 'node:net';

/** One ban of mod_ban. */
export interface Ban {
  /** A user name, an address, a class, or `user@address`. */
  readonly who: string;
  readonly kind: 'user' | 'host' | 'class' | 'user@host';
  /** Milliseconds since the epoch, to the second, by the local time of this process; `null`: not told. */
  readonly since: number | null;
  /** `null`: for ever, or not told. */
  readonly until: number | null;
  /** As mod_ban words it, without the time: `requested by 'root'`, `MaxLoginAttempts autoban`. */
  readonly reason: string | null;
  /** `ADDRESS#PORT` of the only server it is for; `null`: it is for all. */
  readonly server: string | null;
}

const KINDS: ReadonlyMap<string, Ban['kind']> = new Map([
  ['Banned Users:', 'user'],
  ['Banned Hosts:', 'host'],
  ['Banned Classes:', 'class'],
  ['Banned User@Hosts:', 'user@host'],
]);
const NO_BANS = 'No bans';

/** ctime(3): `Sat Nov 28 18:00:18 2026` */
const TIME = '\\w{3} \\w{3} [ \\d]\\d \\d{2}:\\d{2}:\\d{2} \\d{4}';
const REASON = new RegExp(`^    Reason: (.*?)(?: (?:on|at) (${TIME}))?$`);
const EXPIRES = new RegExp(`^    Expires: (?:never|(${TIME}) \\(in \\d+ seconds\\))$`);
const SERVER = /^ {4}<VirtualHost>: .* \((\S+#\d+)\)$/;

/**
 * The bans that `ban info` or `ban info -v` tell of, as mod_ban 0.8 of ProFTPD 1.3.8 words them (measured): a heading, a
 * name with two spaces before it, and below it with four what is known of it.
 *
 * @returns `undefined` where the lines are no list of bans
 */
export function bansIn(lines: readonly string[]): Ban[] | undefined {
  if (lines.length === 1 && lines[0] === NO_BANS) return [];
  const bans: Ban[] = [];
  let kind: Ban['kind'] | undefined;
  for (const line of lines) {
    if (line.trim() === '') continue;
    const next = KINDS.get(line);
    if (next !== undefined) kind = next;
    else if (kind === undefined) return undefined;
    else if (/^ {2}(?! {2})/.test(line)) bans.push(named(line.slice(2), kind));
    else if (bans.length > 0) bans.push(withDetail(bans.pop()!, line));
    else return undefined;
  }
  return bans.length === 0 ? undefined : bans;
}

/** Users at one host stand below the users, where there are any, without a heading of their own (measured). */
function named(who: string, heading: Ban['kind']): Ban {
  const isAtHost = heading === 'user' && isIP(who.slice(who.lastIndexOf('@') + 1)) !== 0 && who.includes('@');
  const kind = isAtHost ? 'user@host' : heading;
  return {who, kind, since: null, until: null, reason: null, server: null};
}

function withDetail(ban: Ban, line: string): Ban {
  const reason = REASON.exec(line);
  if (reason !== null) return {...ban, reason: reason[1]!, since: timeOf(reason[2])};
  const expires = EXPIRES.exec(line);
  if (expires !== null) return {...ban, until: timeOf(expires[1])};
  const server = SERVER.exec(line)?.[1];
  return server === undefined ? ban : {...ban, server};
}

function timeOf(text: string | undefined): number | null {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? null : time;
}
