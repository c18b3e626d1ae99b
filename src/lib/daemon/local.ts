import {setTimeout as sleep} from 'node:timers/promises';
import {passes} from '../acl/evaluate.ts';
import {resolveAcls} from '../acl/resolve.ts';
import {EXIT_TEMPFAIL} from '../client/errors.ts';
import type {Settings} from '../config/settings.ts';
import {FtpdctlError} from '../errors.ts';
import {ifKnown, type ProcessIdentity, type ProftpdDaemon, ProftpdError} from '../proftpd/daemon.ts';
import {findLeftovers, type Leftover} from '../proftpd/delivery/deliveryQueue.ts';
import {guardQueue, type QueueAssessment} from '../proftpd/delivery/queueGuard.ts';
import {versionOf} from '../proftpd/find/program.ts';
import {sessionInfo, sessionsOf, unlistedSessions} from '../proftpd/sessions/list.ts';
import {STATUS} from '../protocol/message.ts';
import {parseVersion} from '../protocol/version.ts';
import {ScoreboardError} from '../scoreboard/layout.ts';
import type {ScoreboardSession} from '../scoreboard/scoreboard.ts';
import {countOf} from '../text.ts';
import {nameService} from '../transport/nameService.ts';
import {SystemVQueue} from '../transport/systemV.ts';
import {KICK_AUDIENCES, kickWords, matching, meant} from './audience.ts';
import type {
  AccessQuestion,
  AccessResult,
  AudienceWords,
  DaemonAnswer,
  DeliveryResult,
  KickResult,
  Maintenance,
  OutgoingMessage,
  SendingOptions,
  Session,
  SessionFilter,
  SessionsResult,
  Unsupported,
} from './daemon.ts';
import {
  type DirectDelivery,
  type DirectResult,
  deliverDirectly,
  directAnswer,
  nameOf,
  type Recipient,
  splitRecipients,
} from './direct.ts';

/** Milliseconds to wait for the end of as many sessions as should have been told to end. */
const KICK_SETTLE_MS = 5000;
const KICK_POLL_MS = 20;

/** Milliseconds to wait for a session that has begun this moment to say what it speaks: it takes one or two. */
const NEWBORN_MS = 200;
const NEWBORN_POLL_MS = 5;

/** Whether messages may go past the daemon. */
export type DirectAccess =
  | {readonly kind: 'possible'; readonly key: number}
  /** No configuration says whether root may send messages; the daemon would know. */
  | {readonly kind: 'unproven'; readonly key: number; readonly why: string}
  | {readonly kind: 'impossible' | 'denied'; readonly why: string};

/** As the daemon would judge it, to which root is a caller like any other. */
function isLetIn({acls}: Settings): boolean {
  const acl = resolveAcls(acls, nameService).actions.get('msg');
  return acl !== undefined && passes(acl, {uid: process.geteuid!(), gid: process.getegid!()});
}

function impossible(why: string): DirectAccess {
  return {kind: 'impossible', why};
}

/** Messages that lie on the queue for processes that have ended: whoever gets the pid next would be shown them. */
export interface LeftoverCount {
  readonly messages: number;
  /** Processes that they are for. */
  readonly processes: number;
  /** Whether they are there no longer. */
  readonly removed: boolean;
}

export interface LocalProftpdOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onLeftovers: (count: LeftoverCount) => void;
  readonly onInterrupted?: DirectDelivery['onInterrupted'];
}

/** A ProFTPD that runs on this machine: it is looked at, and not asked. */
export class LocalProftpd {
  readonly #daemon: ProftpdDaemon;
  readonly #options: LocalProftpdOptions;
  /** By a server's port and label. */
  readonly #engines = new Map<string, boolean | null>();

  constructor(daemon: ProftpdDaemon, options: LocalProftpdOptions) {
    this.#daemon = daemon;
    this.#options = options;
  }

  get identity(): ProcessIdentity {
    return this.#daemon;
  }

  /** @throws ProftpdError when its scoreboard is not to be had */
  async sessions(filter: SessionFilter = {}): Promise<SessionsResult> {
    const sessions = sessionsOf(this.#daemon).map((session) => this.#sessionOf(session));
    return {kind: 'sessions', sessions: await matching(filter, sessions), omitted: 0};
  }

  /** Whether a message may go past the daemon to its sessions, or why not. */
  directAccess(): DirectAccess {
    const {scoreboard, queue} = this.#daemon;
    if (process.geteuid?.() !== 0) return impossible('only root may signal the sessions of a ProFTPD');
    if (!scoreboard.known) return impossible(`its sessions cannot be told: ${scoreboard.why}`);
    if (scoreboard.value === null) return impossible('it has no scoreboard');
    if (!queue.known) return impossible(`its message queue is not known: ${queue.why}`);
    if (queue.value === null) return impossible('it has no MessageQueue');
    const {key} = queue.value;
    const {configuration} = this.#daemon;
    if (!configuration.known) {
      return {
        kind: 'unproven',
        key,
        why: `whether root may send messages is not known: ${configuration.why}`,
      };
    }
    return isLetIn(configuration.value.settings)
      ? {kind: 'possible', key}
      : {kind: 'denied', why: 'MessageControlsACLs does not let root send messages'};
  }

  /** Deliver a message past the daemon. @param key of its queue, as `directAccess` has it */
  async deliver(
    {audience, text}: OutgoingMessage,
    key: number,
    {receipt = true}: SendingOptions = {},
  ): Promise<DirectResult> {
    const recipients = await this.#settled(audience);
    const missing = this.#unlisted(audience, recipients);
    return deliverDirectly({
      daemon: this.#daemon.pid,
      key,
      lines: text.split('\n'),
      meant: recipients,
      missing,
      receipt,
      readSlots: () => sessionsOf(this.#daemon),
      signal: this.#options.signal,
      onRemoved: (leftovers) => this.#tellLeftovers(leftovers, true),
      onInterrupted: (taken, count) => this.#options.onInterrupted?.(taken, count),
    });
  }

  /**
   * Whether the daemon may be asked to send a message, after waiting for what is on its way (0.6 s): it would spin, and
   * serve nobody, while its queue is full.
   * @throws FtpdctlError `QUEUE_FULL`
   */
  async guard({audience, text}: OutgoingMessage): Promise<void> {
    const found = ifKnown(this.#daemon.queue);
    const queue = found ? SystemVQueue.open(found.key) : undefined;
    if (queue === undefined) return;
    const dead = findLeftovers(this.#daemon.pid, queue).filter(({kind}) => kind === 'dead');
    this.#tellLeftovers(dead, false);
    const count = await this.#countMeant(audience);
    const {signal} = this.#options;
    const verdict = await guardQueue(this.#daemon.pid, queue, count, Buffer.byteLength(text), signal);
    if (verdict.kind === 'refuse') throw queueFull(verdict);
  }

  /** Whoever cannot read the scoreboard may send all the same; then one message at least must fit. */
  async #countMeant(audience: AudienceWords): Promise<number> {
    try {
      return (await this.#meant(audience)).length;
    } catch (error) {
      if (isUnknownHost(error)) return 0;
      if (!isWithoutScoreboard(error)) throw error;
      // Where there is none, the daemon finds nobody, either.
      return ifKnown(this.#daemon.scoreboard) === null ? 0 : 1;
    }
  }

  /** Who would get a message. */
  async recipients({audience}: OutgoingMessage): Promise<DeliveryResult> {
    const settled = await this.#settled(audience);
    const {recipients, leftOut} = splitRecipients(settled, this.#unlisted(audience, settled));
    const sessions = recipients.map(({session}) => session);
    const answer =
      sessions.length === 0
        ? directAnswer(
            STATUS.OK,
            ['unable to send message: no such client connected', ...leftOut],
            STATUS.SUBJECT_NOT_FOUND,
          )
        : directAnswer(STATUS.OK, [
            `message would be sent to ${countOf(sessions.length, 'session')}`,
            ...leftOut,
          ]);
    return {kind: 'answered', answer, recipients: sessions.length, sessions};
  }

  /** End one session, and see its end. @param id of the session, or its pid */
  async endSession(id: string): Promise<KickResult> {
    const [recipient] = await this.#meant(['session', id]);
    if (recipient === undefined) {
      return kicked(directAnswer(STATUS.SUBJECT_NOT_FOUND, [`session '${id}' not connected`]), 0, 0);
    }
    const {endSession} = await import('../proftpd/sessions/sessionProcess.ts');
    const end = await endSession(this.#daemon.pid, recipient);
    const name = nameOf(recipient.session);
    switch (end.kind) {
      case 'ended':
        return kicked(directAnswer(STATUS.OK, [`ended ${name}`]), 1, 1);
      case 'gone':
        return kicked(directAnswer(STATUS.SUBJECT_NOT_FOUND, [`${name} had ended before`]), 0, 1);
      case 'running':
        return kicked(
          directAnswer(STATUS.GENERIC_ERROR, [`${name} was told to end, and is still there`]),
          0,
          1,
        );
      case 'refused':
        return kicked(directAnswer(STATUS.OPERATION_DENIED, [`${name} was not ended: ${end.why}`]), 0, 1);
    }
  }

  async maintenance(): Promise<Maintenance> {
    const {localMaintenance} = await import('./maintenance.ts');
    return localMaintenance(this.#daemon);
  }

  /** Count by looking: `kick` answers 0 where nobody was found, and with -n the most it would end (measured). */
  async countEnded(
    [kind = '', ...rest]: readonly string[],
    kick: () => Promise<KickResult | Unsupported>,
  ): Promise<KickResult | Unsupported> {
    // What is none of its words, the daemon says.
    if (!KICK_AUDIENCES.includes(kind)) return kick();
    const {names, limit} = kickWords(rest);
    const before = await this.#meantByEach(kind, names);
    if (before === undefined) return kick();
    const ids = new Set(before.flat().map(({session}) => session.id));
    const result = await kick();
    if (result.kind === 'unsupported' || result.answer.verdict !== STATUS.OK) return result;
    const isThere = () =>
      sessionsOf(this.#daemon).filter((session) => ids.has(this.#sessionOf(session).id)).length;
    const spared = ids.size - Math.min(ids.size, limit);
    let left = isThere();
    for (
      const end = performance.now() + KICK_SETTLE_MS;
      left > spared && performance.now() < end;
      left = isThere()
    ) {
      await sleep(KICK_POLL_MS);
    }
    return {...result, ended: ids.size - left, meant: ids.size};
  }

  /** `undefined` where no scoreboard tells. */
  async #meantByEach(
    kind: string,
    names: readonly string[],
  ): Promise<readonly (readonly Recipient[])[] | undefined> {
    try {
      return await Promise.all(names.map((name) => this.#meant([kind, name]).catch(nobodyKnown)));
    } catch (error) {
      if (isWithoutScoreboard(error)) return undefined;
      throw error;
    }
  }

  /** Who may run what, as this daemon judges by what its configuration says now. */
  async access(question: AccessQuestion): Promise<AccessResult | Unsupported> {
    const {pid, configuration} = this.#daemon;
    if (!configuration.known) {
      return {
        kind: 'unsupported',
        reason: `the ACLs of the ProFTPD with pid ${pid} are not known: ${configuration.why}`,
        hint: 'judge a configuration file: --config FILE',
      };
    }
    const {judgeConfiguration} = await import('../acl/answers.ts');
    const version = await versionOf(pid);
    const answer = judgeConfiguration(configuration.value, question, {
      names: nameService,
      self: {uid: process.geteuid!(), gid: process.getegid!()},
      version: version.known ? parseVersion(version.value) : undefined,
      notes: [`judged by ${configuration.value.file} as it is now`],
    });
    return {kind: 'access', ...answer};
  }

  #tellLeftovers(leftovers: readonly Leftover[], removed: boolean): void {
    if (leftovers.length === 0) return;
    const messages = leftovers.reduce((sum, {texts}) => sum + texts.length, 0);
    this.#options.onLeftovers({messages, processes: leftovers.length, removed});
  }

  /** Who is meant, once each is known to speak FTP, or not: an SFTP session would take a message and lose it. */
  async #settled(audience: AudienceWords): Promise<Recipient[]> {
    for (const end = performance.now() + NEWBORN_MS; ; await sleep(NEWBORN_POLL_MS)) {
      const recipients = await this.#meant(audience);
      if (recipients.every(({protocol}) => protocol !== '') || performance.now() > end) return recipients;
    }
  }

  /** Nobody knows who they are: they are among all, and may be anybody else who is meant. */
  #unlisted([kind]: AudienceWords, recipients: readonly Recipient[]): readonly number[] {
    return kind === 'all' ? unlistedSessions(this.#daemon, recipients) : [];
  }

  async #meant(audience: AudienceWords): Promise<Recipient[]> {
    const all = sessionsOf(this.#daemon).map((raw) => ({
      pid: raw.pid,
      connectedAt: raw.connectedAt,
      protocol: raw.protocol,
      session: this.#sessionOf(raw),
    }));
    const wanted = new Set(
      await meant(
        audience,
        all.map(({session}) => session),
      ),
    );
    return all.filter(({session}) => wanted.has(session));
  }

  #sessionOf(session: ScoreboardSession): Session {
    // Not spread: of ten thousand sessions each copy counts.
    return Object.assign(sessionInfo(session), {
      engine: this.#engineOf(session),
      waiting: null,
      source: 'scoreboard' as const,
    });
  }

  /** By `ServerName` and port: the scoreboard has the name cut to 31 bytes. `null` where nothing or several things fit. */
  #engineOf({server}: ScoreboardSession): boolean | null {
    const key = `${server.port} ${server.label}`;
    const known = this.#engines.get(key);
    if (known !== undefined) return known;
    const engine = this.#findEngine(server);
    this.#engines.set(key, engine);
    return engine;
  }

  #findEngine(server: ScoreboardSession['server']): boolean | null {
    const engines = ifKnown(this.#daemon.engines) ?? [];
    const meant = engines.filter(({name, port}) => port === server.port && name.startsWith(server.label));
    const [first, ...others] = new Set(meant.map(({engine}) => engine));
    return first === undefined || others.length > 0 ? null : first;
  }
}

function kicked(answer: DaemonAnswer, ended: number, meant: number): KickResult {
  return {kind: 'answered', answer, ended, meant};
}

/** A host name that does not resolve: the daemon will say so, and nothing is queued. */
function nobodyKnown(error: unknown): readonly Recipient[] {
  if (isUnknownHost(error)) return [];
  throw error;
}

function isUnknownHost(error: unknown): boolean {
  return error instanceof FtpdctlError && error.code === 'UNKNOWN_HOST';
}

function isWithoutScoreboard(error: unknown): boolean {
  return error instanceof ProftpdError || error instanceof ScoreboardError;
}

function queueFull({
  need,
  free,
  stuck,
  capacity,
  spinMs,
}: Extract<QueueAssessment, {kind: 'refuse'}>): FtpdctlError {
  const spin = spinMs === null ? 'perhaps for ever' : `for about ${(spinMs / 1000).toFixed(1)} s`;
  const numbers = `${need} bytes are needed, ${free} of ${capacity} are free, ${stuck} are stuck`;
  return new FtpdctlError(
    'QUEUE_FULL',
    `not sent: the daemon would serve nobody ${spin}, since its message queue is full: ${numbers}`,
    EXIT_TEMPFAIL,
    {hint: 'as root, send directly (--via direct); a shorter message or fewer recipients need less'},
  );
}
