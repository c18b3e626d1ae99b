import {NOT_LOGGED_IN} from '../audience.ts';
import type {ControlAnswer, ControlsClient} from '../client/client.ts';
import {detailsIn} from '../client/details.ts';
import {EXIT_TEMPFAIL} from '../client/errors.ts';
import type {ServerInfo} from '../client/serverCache.ts';
import {FtpdctlError} from '../errors.ts';
import type {ProcessIdentity} from '../proftpd/daemon.ts';
import type {MessageRequestOptions, ReceiptDetails, WhoSession} from '../protocol/details.ts';
import type {ServerKind} from '../protocol/guard.ts';
import {jsonRequestText} from '../protocol/json.ts';
import {JSON_LIMITS, MOD_MSG_TEXT_BYTES} from '../protocol/limits.ts';
import {exitStatusOf, STATUS} from '../protocol/message.ts';
import {planRequest} from '../protocol/plan.ts';
import {MAX_TEXT_BYTES} from '../session/limits.ts';
import {kickTargetsAmong} from './audience.ts';
import type {
  AccessQuestion,
  AccessResult,
  Daemon,
  DeliveryResult,
  KickResult,
  Maintenance,
  OutgoingMessage,
  Session,
  SessionFilter,
  SessionsResult,
  Supported,
  TextRules,
  Unsupported,
} from './daemon.ts';

/** A client with a deadline of its own for one request. @param timeout milliseconds; the options' without it */
type MakeClient = (timeout?: number) => ControlsRequester;

/** What sends requests to the server behind a controls socket. */
export type ControlsRequester = Pick<ControlsClient, 'request' | 'message' | 'detectServer'>;

export const NO_ACCESS_ANSWERS: Unsupported = {
  kind: 'unsupported',
  reason: 'a ProFTPD cannot be asked about its ACLs',
  hint: 'judge its configuration instead: --config /etc/proftpd/proftpd.conf',
};

export const NO_RECEIPTS: Unsupported = {
  kind: 'unsupported',
  reason: 'a ProFTPD cannot say whether a message was shown',
  hint: 'send it without --wait',
};

export const NO_SESSION_KICK: Unsupported = {
  kind: 'unsupported',
  reason: 'a ProFTPD cannot be asked by its controls socket to end one session',
  hint: 'as root on its machine it can be ended, or all of its user: kick user NAME',
};

/** The daemon behind a controls socket: `ftpdctl serve` tells everything, a ProFTPD no more than "message sent". */
export class ControlsDaemon implements Daemon {
  readonly #makeClient: MakeClient;
  readonly #client: ControlsRequester;

  constructor(makeClient: MakeClient) {
    this.#makeClient = makeClient;
    this.#client = makeClient();
  }

  request(action: string, args: readonly string[] = []): Promise<ControlAnswer> {
    return this.#client.request(action, args);
  }

  async sessions(filter: SessionFilter = {}): Promise<SessionsResult> {
    if (!isServe(await this.#client.detectServer())) {
      return {
        kind: 'unsupported',
        reason: 'a ProFTPD cannot be asked for its sessions by its controls socket',
      };
    }
    const answer = await this.#client.request('who', filterWords(filter));
    const details = answer.verdict === STATUS.OK ? await detailsIn('who', answer) : undefined;
    if (details === undefined) return {kind: 'refused', answer};
    const {omitted} = details;
    const sessions = details.sessions.filter(
      ({user, class: className}) =>
        (filter.user === undefined || (user ?? NOT_LOGGED_IN) === filter.user) &&
        (filter.class === undefined || className === filter.class),
    );
    return {kind: 'sessions', sessions: sessions.map(sessionOf), omitted};
  }

  async textRules(): Promise<TextRules> {
    return textRulesOf(await this.#client.detectServer());
  }

  async recipients({audience, text}: OutgoingMessage): Promise<DeliveryResult | Unsupported> {
    if (!isServe(await this.#client.detectServer()))
      return {kind: 'unsupported', reason: 'a ProFTPD cannot say who would get the message'};
    const options = {dryRun: true} satisfies MessageRequestOptions;
    return resultOf(await this.#client.message(audience, text, {options}));
  }

  async message({audience, text}: OutgoingMessage): Promise<DeliveryResult> {
    if (audience[0] === 'session' && !isServe(await this.#client.detectServer())) throw noSessionAudience();
    return resultOf(await this.#client.message(audience, text));
  }

  async receipts(): Promise<Supported | Unsupported> {
    return isServe(await this.#client.detectServer()) ? {kind: 'supported'} : NO_RECEIPTS;
  }

  async receipt(id: string, timeout?: number): Promise<ReceiptDetails> {
    const answer = await this.#makeClient(timeout).request('receipt', [id]);
    const {verdict, responses} = answer;
    const details = verdict === STATUS.OK ? await detailsIn('receipt', answer) : undefined;
    if (details !== undefined) return details;
    throw new FtpdctlError(
      'NO_RECEIPT',
      `the server cannot say what became of message ${id}: ${responses[0] ?? 'no answer'}`,
      // One that it does not know (any more) may have been shown, or not.
      verdict === STATUS.OK || verdict === STATUS.SUBJECT_NOT_FOUND ? EXIT_TEMPFAIL : exitStatusOf(verdict),
      {hint: 'it was sent'},
    );
  }

  async kick(words: readonly string[]): Promise<KickResult | Unsupported> {
    if (words[0] === 'session' && !isServe(await this.#client.detectServer())) return NO_SESSION_KICK;
    const answer = await this.#client.request('kick', words);
    const details = await detailsIn('kick', answer);
    return {kind: 'answered', answer, ...(details === undefined || details.meant === 0 ? {} : details)};
  }

  async kickTargets(words: readonly string[]): Promise<DeliveryResult | Unsupported> {
    return kickTargetsAmong(await this.sessions(), words);
  }

  async maintenance(): Promise<Maintenance> {
    return this.maintenanceOf(this);
  }

  /** @param daemon who lists the sessions and takes the requests */
  async maintenanceOf(daemon: Daemon, identity?: ProcessIdentity): Promise<Maintenance> {
    const {controlsMaintenance} = await import('./maintenance.ts');
    return controlsMaintenance(daemon, await this.#client.detectServer(), identity);
  }

  async access(question: AccessQuestion): Promise<AccessResult | Unsupported> {
    const answer = await this.#client.request('acl', accessWords(question));
    const {verdict, responses} = answer;
    if (verdict === STATUS.OK) {
      const details = await detailsIn(question.kind === 'list' ? 'aclList' : 'aclCheck', answer);
      if (details !== undefined) return {kind: 'access', lines: responses, details};
    }
    if (verdict === STATUS.UNSUPPORTED_OPERATION) return NO_ACCESS_ANSWERS;
    throw new FtpdctlError('REFUSED', responses.join('; '), exitStatusOf(verdict) || 1);
  }
}

/** mod_msg has users, hosts and classes. */
export function noSessionAudience(): FtpdctlError {
  const why = 'a ProFTPD cannot be asked by its controls socket to send to one session';
  return new FtpdctlError('NOT_DIRECT', why, -STATUS.UNSUPPORTED_OPERATION, {
    hint: 'as root on its machine it can be sent directly, or to all of its user: msg user NAME',
  });
}

/** `ftpdctl serve` knows sessions of `ftpdctl mock`, which speaks plain FTP. */
function sessionOf(session: WhoSession): Session {
  return {...session, protocol: 'ftp', command: null, transfer: null, source: 'serve'};
}

function isServe({serve}: ServerInfo): boolean {
  return serve !== undefined;
}

/** In this order: the server alone knows a host by all of its addresses. */
const FILTERS = ['host', 'user', 'class'] as const;

/** One filter is left to the server, whose answer has room for a few thousand sessions. */
function filterWords(filter: SessionFilter): readonly string[] {
  for (const kind of FILTERS) {
    const name = filter[kind];
    if (name !== undefined) return [kind, name];
  }
  return [];
}

function accessWords(question: AccessQuestion): readonly string[] {
  if (question.kind === 'list') return ['list'];
  const {action, user, group} = question;
  return [
    'check',
    action,
    ...(user === undefined ? [] : ['user', user]),
    ...(group === undefined ? [] : ['group', group]),
  ];
}

async function resultOf(answer: ControlAnswer): Promise<DeliveryResult> {
  const details = await detailsIn('msg', answer);
  if (details === undefined) return {kind: 'answered', answer};
  const {id, recipients, refused, unanswered, sessions} = details;
  return {
    kind: 'answered',
    answer,
    recipients,
    refused,
    unanswered,
    ...(id === undefined ? {} : {receiptId: id}),
    ...(sessions === undefined ? {} : {sessions: sessions.map(sessionOf)}),
  };
}

/** What the server behind a controls socket takes as a message. */
export function textRulesOf(server: ServerInfo): TextRules {
  const kind: ServerKind = server.serve
    ? {kind: 'serve', maxRequest: server.serve.maxRequest}
    : {kind: 'proftpd'};
  return {
    severalLines: kind.kind === 'serve',
    utf8: kind.kind === 'serve',
    room: ({audience, text}) => roomLeft(server, audience, text),
    refusal({audience, text}) {
      const plan = planRequest({kind: 'message', audience, text}, kind, [server.dialect]);
      return plan.kind === 'refused' ? plan.refusal.message : undefined;
    },
  };
}

/**
 * How many more bytes of text fit into a message; below 0 when it is too long. A server of the binary dialect may
 * still refuse a shorter text whose words are very long: `planRequest` has the last word.
 */
export function roomLeft(server: ServerInfo, audience: readonly string[], text: string): number {
  if (server.serve) return MAX_TEXT_BYTES - Buffer.byteLength(JSON.stringify(text));
  const shown = MOD_MSG_TEXT_BYTES - Buffer.byteLength(text);
  if (server.dialect === 'binary') return shown;
  const request = jsonRequestText({action: 'msg', args: [...audience, text]});
  return Math.min(shown, JSON_LIMITS.requestBytes - Buffer.byteLength(request));
}
