import type {Location} from '../config/errors.ts';
import type {ConfigurationFacts, DaemonFacts, Facts, FileProblem} from './facts.ts';
import {type Edit, type Mend, mend} from './mends.ts';

/** What each finding tells beside its place. */
export interface FindingDetails {
  'not-installed': {readonly packages: Facts['packages']};
  installed: {readonly program: string; readonly version: string | null};
  'configuration-broken': {readonly problem: string};
  'configuration-unknown': {readonly why: string};
  'configuration-assumed': {readonly file: string};
  'configuration-undecided': {readonly condition: string};
  'configuration-exposed': {readonly file: string};
  'module-missing': {readonly module: string};
  'message-log-none': Record<string, never>;
  'not-started-for-file': FileProblem;
  inetd: Record<string, never>;
  'not-running': {readonly others: Extract<DaemonFacts, {kind: 'stopped'}>['others']};
  elsewhere: {readonly pid: number};
  untrusted: {readonly pid: number; readonly why: string};
  running: {readonly pid: number; readonly dialect: string | null; readonly configuration: string | null};
  suspended: {readonly pid: number};
  'configuration-newer': {readonly file: string};
  'no-controls': {readonly program: string};
  'controls-off': Record<string, never>;
  'socket-unknown': {readonly why: string};
  'socket-missing': {readonly path: string};
  'socket-no-directory': {readonly path: string; readonly directory: string};
  'socket-stale': {readonly path: string};
  'socket-elsewhere': {readonly path: string};
  'socket-forbidden': {readonly path: string; readonly what: string; readonly user: string};
  'socket-not-found': {readonly path: string; readonly taken: string | null};
  'private-tmp': {readonly pid: number; readonly version: string};
  socket: {readonly path: string};
  'connect-denied': {readonly user: string; readonly group: string};
  'msg-denied': {readonly user: string; readonly group: string};
  access: {readonly connect: string; readonly msg: string; readonly you: boolean; readonly root: boolean};
  acl: {readonly message: string};
  'msg-not-installed': {readonly packages: Facts['packages']};
  'msg-not-loaded': Record<string, never>;
  'engine-off': {readonly server: string; readonly all: boolean};
  'msg-ready': {readonly servers: number};
  'queue-unset': Record<string, never>;
  'queue-unknown': {readonly why: string};
  'queue-no-directory': {readonly path: string; readonly directory: string};
  'queue-missing': {readonly path: string};
  'queue-foreign': {readonly path: string; readonly uid: number};
  'queue-elsewhere': Record<string, never>;
  'queue-full': {readonly path: string; readonly bytes: number; readonly capacity: number};
  'queue-leftovers': {readonly messages: number};
  'queue-lost': {readonly version: string};
  queue: {readonly path: string; readonly bytes: number; readonly capacity: number};
  'scoreboard-off': Record<string, never>;
  'scoreboard-unreadable': {readonly why: string};
  'scoreboard-lost': {readonly path: string; readonly why: string};
  scoreboard: {readonly path: string; readonly sessions: number; readonly others: number};
  direct: Record<string, never>;
  'not-direct': {readonly why: string};
  'message-log': FileProblem;
  interval: {readonly seconds: number; readonly timeout: number};
  'probe-accepted': {readonly milliseconds: number};
  'probe-denied': {readonly line: string};
  'probe-unsupported': {readonly line: string};
  'probe-failed': {readonly why: string};
}

export type FindingCode = keyof FindingDetails;

/** `fault`: keeps messages from arriving; `warning`: does so for others, or soon; `note`: good to know; `ok`: as it should be. */
export type Level = 'fault' | 'warning' | 'note' | 'ok';

/**
 * What a finding keeps from being done: messages by the controls socket; messages altogether; or nobody can say which, until
 * the daemon is asked (`certainty`), or even then (`outcome`).
 */
export type Blocks = 'nothing' | 'controls' | 'messages' | 'certainty' | 'outcome';

interface FindingOf<C extends FindingCode> {
  readonly code: C;
  readonly level: Level;
  /** `null`: no line of a file is to blame. */
  readonly at: Location | null;
  readonly details: FindingDetails[C];
  readonly mend: Mend | null;
}

export type Finding = {[C in FindingCode]: FindingOf<C>}[FindingCode];

/** Whether a message of the caller would arrive, and all that was found, in the order in which one mends. */
export interface Diagnosis {
  readonly works: boolean;
  /** The way that a message would go; `null`: none. */
  readonly via: 'direct' | 'controls' | null;
  readonly findings: readonly Finding[];
}

/** Findings as they are made; how grave each is can be said when all are there. */
export class FindingList {
  readonly #found: {finding: Finding; blocks: Blocks}[] = [];

  add<C extends FindingCode>(
    code: C,
    details: FindingDetails[C],
    {level = 'ok', blocks = 'nothing', at = null, ...rest}: FindingOptions = {},
  ): void {
    const finding = {code, details, level, at, mend: rest.mend ?? null} as unknown as Finding;
    this.#found.push({finding, blocks});
  }

  judge(isDirect: boolean, isAccepted: boolean): Diagnosis {
    const blocked = new Set(this.#found.map(({blocks}) => blocks));
    if (isAccepted) blocked.delete('certainty');
    const hasWay = !(['messages', 'certainty', 'outcome'] as const).some((each) => blocked.has(each));
    const via = !hasWay ? null : isDirect ? 'direct' : blocked.has('controls') ? null : 'controls';
    const grave: Level = via === null ? 'fault' : 'warning';
    const findings = this.#found.map(({finding, blocks}) =>
      blocks === 'nothing' ? finding : {...finding, level: grave},
    );
    return {works: via !== null, via, findings};
  }
}

interface FindingOptions {
  readonly level?: Level;
  readonly blocks?: Blocks;
  readonly at?: Location | null | undefined;
  readonly mend?: Mend | undefined;
}

/** A configuration that has been read. */
export type Read = Extract<ConfigurationFacts, {kind: 'read'}>;

/** A line of the configuration is changed, and a daemon that runs must read it. */
export function edited({daemon}: Facts, edits: readonly Edit[], commands: readonly string[] = []): Mend {
  return mend({edits, commands, restart: daemon.kind === 'running'});
}
