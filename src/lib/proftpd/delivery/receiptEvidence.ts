import type {ScoreboardSession} from '../../scoreboard/scoreboard.ts';
import type {TcpCounters} from '../../transport/sockets/socketDiag.ts';

/** What is known of a message that its session has taken. Later ones say more. */
export type ReceiptState =
  /** The session has it; its client has not been seen to get a reply. */
  | 'taken'
  /** A command was carried out, though perhaps one of those whose reply carries no message. */
  | 'probably shown'
  /** The reply that carries it has arrived at the client's machine. */
  | 'shown'
  /** The session ended before that. */
  | 'ended';

/** One look at a session that is still there. */
export interface SessionLook {
  /** Milliseconds, of any clock that does not jump. */
  readonly at: number;
  /** Its slot; `undefined` where there is no scoreboard. */
  readonly slot?: Pick<ScoreboardSession, 'command' | 'commandArgs' | 'beginIdle'>;
  /** Of its control connection; `undefined` where the kernel does not tell. */
  readonly tcp?: TcpCounters;
}

/** Replies to these carry no message, on 1.3.8 and 1.3.10. */
const SILENT: readonly string[] = ['PASV', 'EPSV', 'STOU', 'QUIT'];
const IDLE = 'idle';

/** A session may nap for 0.4 s between taking a message and saying that the command before is over. */
const NAP_MS = 600;

/**
 * More bytes than any reply without a message has for a command of six bytes (the shortest, with its line end): PASV's
 * has 50, STOU's two have 43. Replies that are longer carry the message.
 */
const PLAIN_REPLY_BYTES = 56;
const SHORTEST_COMMAND_BYTES = 6;
/** What a message adds to a reply beside its text, at the least: the code, a blank, and the line end. */
const FRAME_BYTES = 6;

/**
 * Gathers what a session does after it has taken a message, one look at a time, and says what that proves. Measured
 * against 17 behaviours of clients: nothing that was not shown was called so.
 */
export class ReceiptEvidence {
  #state: Exclude<ReceiptState, 'ended'> = 'taken';
  readonly #bytes: number;
  readonly #first: SessionLook;
  /** A look at which all that the session did before the taking was over. */
  #baseline: SessionLook | undefined;
  /** A command that carries the message, once its reply is there. */
  #carrier: SessionLook | undefined;
  /** A look at which the client had got more than replies without a message are. */
  #answered: SessionLook | undefined;

  /**
   * @param bytes of all texts of the message
   * @param first look, after the message was seen to be off the queue
   */
  constructor(bytes: number, first: SessionLook) {
    this.#bytes = bytes;
    this.#first = first;
    if (first.slot?.command === IDLE) this.#baseline = first;
  }

  get state(): Exclude<ReceiptState, 'ended'> {
    return this.#state;
  }

  /**
   * The next look, at a session that was there when all of it had been read: whoever ends after a reply may not have
   * shown it.
   */
  add(look: SessionLook): Exclude<ReceiptState, 'ended'> {
    if (this.#state === 'shown') return this.#state;
    const isShown = this.#isCarried(look) || this.#hasArrived(look);
    if (isShown) this.#state = 'shown';
    else if (this.#hasMoved(look)) this.#state = 'probably shown';
    if (this.#baseline === undefined && this.#isSettled(look)) this.#baseline = look;
    return this.#state;
  }

  /** Whether what the session does now is no remainder of what it did before the taking. */
  #isSettled({at, slot}: SessionLook): boolean {
    if (slot === undefined) return false;
    return slot.command === IDLE || at - this.#first.at >= NAP_MS;
  }

  /** A command that carries it was seen to run after the taking, and then to be over. */
  #isCarried(look: SessionLook): boolean {
    const {slot} = look;
    if (slot === undefined) return false;
    if (this.#carrier !== undefined) return !isSameCommand(this.#carrier, look) && this.#hasAllOf(look);
    const isNew = this.#baseline !== undefined || look.at - this.#first.at >= NAP_MS;
    if (isNew && slot.command !== '' && slot.command !== IDLE && !SILENT.includes(slot.command)) {
      this.#carrier = look;
    }
    return false;
  }

  #hasMoved(look: SessionLook): boolean {
    const {slot} = look;
    const before = this.#baseline?.slot?.beginIdle;
    const hasMoved = before !== undefined && slot !== undefined && slot.beginIdle !== before;
    return hasMoved && this.#hasAllOf(look);
  }

  /** Whether the client's kernel has got all that was written, and enough for the message; yes, where nobody knows. */
  #hasAllOf({tcp}: SessionLook): boolean {
    const before = this.#first.tcp;
    if (tcp === undefined || before === undefined) return true;
    return tcp.acknowledged === tcp.written && tcp.acknowledged - before.written >= this.#bytes + FRAME_BYTES;
  }

  /** The client's kernel has acknowledged more than it can have, but for the message; and a look later it still lives. */
  #hasArrived(look: SessionLook): boolean {
    if (this.#answered !== undefined) {
      // A reply of many lines has the message at its end.
      return look.slot?.command === IDLE || !isSameCommand(this.#answered, look);
    }
    if (this.#isAnswered(look)) this.#answered = look;
    return false;
  }

  #isAnswered({tcp}: SessionLook): boolean {
    const before = this.#first.tcp;
    if (tcp === undefined || before === undefined) return false;
    // What was on its way before the taking counts as got, what had not been read yet as still to be answered.
    const acknowledged = tcp.acknowledged - before.written;
    const commands = (tcp.received - before.read) / SHORTEST_COMMAND_BYTES;
    // A command may have been read and not answered.
    const unanswered = this.#first.slot?.command === IDLE ? 0 : 1;
    const plain = PLAIN_REPLY_BYTES * (commands + unanswered);
    return acknowledged >= this.#bytes + FRAME_BYTES && acknowledged > plain;
  }
}

function isSameCommand(one: SessionLook, other: SessionLook): boolean {
  const [before, now] = [one.slot, other.slot];
  if (before === undefined || now === undefined) return false;
  return (
    before.command === now.command &&
    before.commandArgs === now.commandArgs &&
    before.beginIdle === now.beginIdle
  );
}
