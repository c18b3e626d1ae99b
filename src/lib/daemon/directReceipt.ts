import type {Delivery} from '../proftpd/delivery/outcome.ts';
import {Receipts} from '../proftpd/delivery/receipts.ts';
import type {SessionProcessInfo} from '../proftpd/sessions/sessionProcess.ts';
import type {ReceiptDetails} from '../protocol/details.ts';
import type {ScoreboardSession} from '../scoreboard/scoreboard.ts';
import {DIRECT_RECEIPT_ID, type Session} from './daemon.ts';

/** A session of a ProFTPD and what its process is told from others by. */
export interface Recipient extends SessionProcessInfo {
  readonly session: Session;
}

/** Milliseconds between two looks: a command that takes longer is seen. */
const POLL_INTERVAL_MS = 50;

type State = 'waiting' | 'probably shown' | 'shown' | {readonly lost: string};

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
    const count = (wanted: State) => states.filter(([, state]) => state === wanted).length;
    const undelivered = states.flatMap(([{session}, state]) =>
      typeof state === 'object' ? [{user: session.user, host: session.host, reason: state.lost}] : [],
    );
    return {
      id: DIRECT_RECEIPT_ID,
      recipients: states.length,
      taken: this.#taken.size,
      shown: count('shown'),
      probablyShown: count('probably shown'),
      lost: undelivered.length,
      unknown: 0,
      unanswered: 0,
      undelivered,
      waiting: states.flatMap(
        ([
          {
            session: {user, host},
          },
          state,
        ]) => (state === 'waiting' ? [{user, host}] : []),
      ),
    };
  }

  #look(): void {
    for (const {session, state} of this.#receipts.poll()) {
      this.#states.set(session, state === 'ended' ? {lost: 'it ended before it showed it'} : state);
    }
    if (this.#receipts.pending > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
