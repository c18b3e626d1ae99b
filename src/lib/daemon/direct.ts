import {EXIT_TEMPFAIL} from '../client/errors.ts';
import {FtpdctlError} from '../errors.ts';
import {deliver} from '../proftpd/delivery/deliver.ts';
import {DeliveryQueue, type Leftover} from '../proftpd/delivery/deliveryQueue.ts';
import {
  DELIVERY_TIMEOUT_MS,
  type Delivery,
  type DeliveryOutcome,
  MESSAGE_PROTOCOLS,
} from '../proftpd/delivery/deliveryRound.ts';
import {Receipts} from '../proftpd/delivery/receipts.ts';
import type {SessionProcessInfo} from '../proftpd/sessions/sessionProcess.ts';
import type {ReceiptDetails} from '../protocol/details.ts';
import {STATUS, type Status} from '../protocol/message.ts';
import type {ScoreboardSession} from '../scoreboard/scoreboard.ts';
import {countOf} from '../text.ts';
import {type DaemonAnswer, type DeliveryResult, DIRECT_RECEIPT_ID, type Session} from './daemon.ts';

/** Lines of an answer about sessions that did not take a message; of more only the number is told. */
const MAX_LINES = 100;

/** So many sessions that nothing is known of but their pids are named. */
const MAX_PIDS = 10;

/** Who among those meant can take a message, and who cannot. */
export interface RecipientSplit {
  readonly recipients: readonly Recipient[];
  /** Why some get nothing, a line each reason. */
  readonly leftOut: readonly string[];
}

/**
 * SFTP sessions take messages and lose them, and those whose engine is off never look for any.
 * @param missing pids of sessions that the scoreboard does not have
 */
export function splitRecipients(
  meant: readonly Recipient[],
  missing: readonly number[] = [],
): RecipientSplit {
  const recipients = meant.filter((each) => showsMessages(each.protocol) && each.session.engine !== false);
  const engineOff = meant.filter((each) => showsMessages(each.protocol) && each.session.engine === false);
  const others = meant.filter((each) => !showsMessages(each.protocol));
  return {
    recipients,
    leftOut: [
      ...others.map(({protocol, session}) =>
        protocol === ''
          ? `not sent to ${nameOf(session)}: it is only just connecting`
          : `not sent to ${nameOf(session)}: ${protocol} shows no messages`,
      ),
      ...engineOff.map(({session}) => `not sent to ${nameOf(session)}: MessageEngine is off`),
      ...missingLines(missing),
    ],
  };
}

function missingLines(pids: readonly number[]): string[] {
  if (pids.length === 0) return [];
  const named = [...pids.slice(0, MAX_PIDS), ...(pids.length > MAX_PIDS ? ['…'] : [])].join(' ');
  return [`not sent to ${countOf(pids.length, 'session')} that the scoreboard does not have: pid ${named}`];
}

/** Whether sessions of that protocol show messages: those of SFTP take one and lose it. */
export function showsMessages(protocol: string): boolean {
  return MESSAGE_PROTOCOLS.includes(protocol);
}

export interface DirectDelivery {
  /** Pid of the daemon. */
  readonly daemon: number;
  /** Key of its queue. */
  readonly key: number;
  readonly lines: readonly string[];
  readonly meant: readonly Recipient[];
  /** Pids of sessions that are meant, too, and that the scoreboard does not have. */
  readonly missing: readonly number[];
  readonly receipt: boolean;
  /** The sessions of the daemon as they are now; `undefined` where there is no scoreboard. */
  readonly readSlots: () => readonly ScoreboardSession[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told how many have taken it when this process is ended meanwhile, at the last moment. */
  readonly onInterrupted: (taken: number, recipients: number) => void;
  /** Told of what lay there for the dead, and was removed. */
  readonly onRemoved: (leftovers: readonly Leftover[]) => void;
}

export interface DirectResult {
  readonly result: DeliveryResult;
  /** Absent where nothing was sent, or none was wanted. */
  readonly receipt?: DirectReceipt;
}

/** Deliver to sessions past their daemon, and say what became of it as a daemon would have. */
export async function deliverDirectly({
  daemon,
  key,
  lines,
  meant,
  missing,
  receipt: isReceiptWanted,
  readSlots,
  signal,
  onRemoved,
  onInterrupted,
}: DirectDelivery): Promise<DirectResult> {
  const {recipients, leftOut} = splitRecipients(meant, missing);
  if (recipients.length === 0) return {result: {kind: 'answered', answer: nobody(leftOut), recipients: 0}};
  const queue = DeliveryQueue.open(key, daemon);
  if (queue === undefined) {
    throw new FtpdctlError('NO_QUEUE', 'the message queue of the ProFTPD is gone', 1, {
      hint: 'restart ProFTPD: it makes its MessageQueue anew',
    });
  }
  try {
    const receipt = isReceiptWanted ? new DirectReceipt(lines, recipients, readSlots) : undefined;
    const deliveries = await deliver(daemon, queue, lines, recipients, {
      onTaken: (sessions) => receipt?.taken(sessions),
      onRemoved,
      onInterrupted: (known) => onInterrupted(takenOf(known).length, known.length),
      ...(signal === undefined ? {} : {signal}),
    });
    receipt?.delivered(deliveries, ({outcome}) => whyNotTaken(outcome));
    const result = {
      kind: 'answered',
      answer: answerOf(deliveries, leftOut),
      recipients: recipients.length,
    } as const;
    return receipt === undefined ? {result} : {result: {...result, receiptId: DIRECT_RECEIPT_ID}, receipt};
  } finally {
    queue.close();
  }
}

/** What mod_msg says where nobody is connected whom a message is for (measured). */
function nobody(leftOut: readonly string[]): DaemonAnswer {
  return directAnswer(
    STATUS.OK,
    ['unable to send message: no such client connected', ...leftOut],
    STATUS.SUBJECT_NOT_FOUND,
  );
}

function answerOf(deliveries: readonly Delivery<Recipient>[], leftOut: readonly string[]): DaemonAnswer {
  const taken = takenOf(deliveries).length;
  const missed = deliveries.filter(({outcome}) => outcome.kind !== 'taken');
  const lines = missed.map(({session: {session}, outcome}) => missedLine(session, outcome));
  const told = [...lines.slice(0, MAX_LINES), ...more(lines.length - MAX_LINES), ...leftOut];
  const count = `taken by ${missed.length === 0 ? '' : `${taken} of `}${countOf(deliveries.length, 'session')}`;
  if (missed.length === 0) return directAnswer(STATUS.OK, ['message sent', count, ...told]);
  const {status, exitStatus} = failureOf(missed);
  const first = taken === 0 ? 'unable to send message' : 'message sent';
  return {...directAnswer(status, [first, count, ...told]), exitStatus};
}

/** What may be tried again comes before what never will be: 75, then the status of what was refused, then 4. */
function failureOf(missed: readonly Delivery<Recipient>[]): {status: Status; exitStatus: number} {
  const kinds = new Set(missed.map(({outcome}) => outcome.kind));
  if (kinds.has('withdrawn')) return {status: STATUS.GENERIC_ERROR, exitStatus: EXIT_TEMPFAIL};
  if (kinds.has('refused')) return {status: STATUS.OPERATION_DENIED, exitStatus: -STATUS.OPERATION_DENIED};
  return {status: STATUS.SUBJECT_NOT_FOUND, exitStatus: -STATUS.SUBJECT_NOT_FOUND};
}

function missedLine(session: Session, outcome: DeliveryOutcome): string {
  return `not taken by ${nameOf(session)}: ${whyNotTaken(outcome)}`;
}

function whyNotTaken(outcome: DeliveryOutcome): string {
  switch (outcome.kind) {
    case 'taken':
      return 'taken';
    case 'gone':
      return 'it has ended';
    case 'withdrawn':
      return {
        timeout: `withdrawn after ${DELIVERY_TIMEOUT_MS / 1000} s`,
        'queue full': `withdrawn: the queue had no room for ${DELIVERY_TIMEOUT_MS / 1000} s`,
        aborted: 'withdrawn',
      }[outcome.why];
    case 'refused':
      return {
        protocol: 'its protocol shows no messages',
        'not its process': 'its process is another one by now',
        permission: 'its process may not be signalled',
        'too long': 'the queue cannot hold so long a message',
      }[outcome.why];
  }
}

function more(count: number): string[] {
  return count > 0 ? [`and by ${count} more`] : [];
}

function takenOf(deliveries: readonly Delivery<Recipient>[]): readonly Delivery<Recipient>[] {
  return deliveries.filter(({outcome}) => outcome.kind === 'taken');
}

export function directAnswer(
  status: Status,
  responses: readonly string[],
  verdict: Status = status,
): DaemonAnswer {
  return {status, verdict, responses, via: 'direct'};
}

/** `dave@client.example (session 812-tp0nvq)` */
export function nameOf({id, user, host}: Session): string {
  return `${user ?? '(none)'}@${host} (session ${id})`;
}

/** A session of a ProFTPD and what its process is told from others by. */
export interface Recipient extends SessionProcessInfo {
  readonly session: Session;
}

/** Milliseconds between two looks: a command that takes longer is seen. */
const POLL_INTERVAL_MS = 50;

/** `interrupted`: it has ended between two looks, and may have shown the message before. */
type State = 'waiting' | 'probably shown' | 'shown' | 'interrupted' | {readonly lost: string};

/** Watches, until nothing more can be known, whether sessions have shown what they have taken. */
export class DirectReceipt {
  readonly #states: Map<Recipient, State>;
  readonly #receipts: Receipts<Recipient>;
  readonly #taken = new Set<Recipient>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    lines: readonly string[],
    recipients: readonly Recipient[],
    readSlots: () => readonly ScoreboardSession[] | undefined,
  ) {
    this.#receipts = new Receipts(lines, readSlots);
    this.#states = new Map(recipients.map((recipient) => [recipient, 'waiting']));
  }

  /** Sessions that have taken the message this moment. */
  taken(recipients: readonly Recipient[]): void {
    for (const recipient of recipients) this.#taken.add(recipient);
    this.#receipts.add(recipients);
    // It keeps nobody from ending: who waits has a timer of its own.
    this.#timer ??= setInterval(() => this.#look(), POLL_INTERVAL_MS).unref();
  }

  /** The delivery is over: who has not taken the message never will. */
  delivered(
    deliveries: readonly Delivery<Recipient>[],
    why: (delivery: Delivery<Recipient>) => string,
  ): void {
    for (const delivery of deliveries) {
      if (delivery.outcome.kind !== 'taken') this.#states.set(delivery.session, {lost: why(delivery)});
    }
  }

  details(): ReceiptDetails {
    this.#look();
    const states = [...this.#states];
    const namesOf = (wanted: State) =>
      states.flatMap(([{session}, state]) =>
        state === wanted ? [{user: session.user, host: session.host}] : [],
      );
    const interrupted = namesOf('interrupted');
    const undelivered = states.flatMap(([{session}, state]) =>
      typeof state === 'object' ? [{user: session.user, host: session.host, reason: state.lost}] : [],
    );
    return {
      id: DIRECT_RECEIPT_ID,
      recipients: states.length,
      taken: this.#taken.size,
      shown: namesOf('shown').length,
      probablyShown: namesOf('probably shown').length,
      lost: undelivered.length,
      unknown: interrupted.length,
      interrupted,
      unanswered: 0,
      undelivered,
      waiting: namesOf('waiting'),
    };
  }

  #look(): void {
    for (const {session, state} of this.#receipts.poll()) {
      // A client that has read the message in its last reply looks like one that has read nothing.
      this.#states.set(session, state === 'ended' ? 'interrupted' : state);
    }
    if (this.#receipts.pending > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
