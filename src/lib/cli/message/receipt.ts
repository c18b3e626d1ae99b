import {setTimeout as sleep} from 'node:timers/promises';
import {ClientError, EXIT_TEMPFAIL} from '../../client/errors.ts';
import {DIRECT_RECEIPT_ID} from '../../daemon/daemon.ts';
import {FtpdctlError} from '../../errors.ts';
import type {ReceiptDetails, SessionName} from '../../protocol/details.ts';
import {exitStatusOf, STATUS} from '../../protocol/message.ts';
import {countOf} from '../../text.ts';
import {errorOutput} from '../output/output.ts';
import {chalkFor, StatusLine} from '../output/terminal.ts';

/** Milliseconds between two questions, at first and at the most. */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 1000;
const SLOWING = 1.5;

/** Sessions named in one line because they have not seen a message. */
const MAX_NAMES = 5;

/** How a wait for a message to be shown has ended; without an error it was shown to each of its recipients. */
export interface Waited {
  /** The last that the server said. */
  readonly receipt?: ReceiptDetails;
  readonly error?: FtpdctlError;
}

export interface ReceiptOptions {
  /** Sessions that the message was sent to, as the answer had it that said so. */
  readonly recipients: number;
  /** Milliseconds to wait at the most. */
  readonly wait: number;
  /** Ask the server. @param timeout milliseconds */
  readonly ask: (timeout: number) => Promise<ReceiptDetails>;
  readonly onReceipt: (receipt: ReceiptDetails) => void;
}

/**
 * Ask what has become of a message until it was shown to each recipient, or cannot be any more, or time is over. A server
 * that goes away may come back; whichever answers, the recipients that count are those the message began with.
 * The message is sent by now, so whatever goes wrong is part of the result and not thrown.
 */
export async function awaitReceipt({recipients, wait, ask, onReceipt}: ReceiptOptions): Promise<Waited> {
  const end = performance.now() + wait;
  let receipt: ReceiptDetails | undefined;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * SLOWING, LONGEST_PAUSE)) {
    const asked = await askOnce(() => ask(Math.max(end - performance.now(), FIRST_PAUSE)));
    if (asked.kind === 'receipt') {
      receipt = sinceBefore(receipt, asked.receipt, recipients);
      onReceipt(receipt);
      if (isSettled(receipt)) return {receipt, ...errorIn(receipt)};
    } else if (asked.kind === 'unknown') return withReceipt(receipt, asked.error);
    const left = end - performance.now();
    if (left <= 0) {
      const error = asked.kind === 'absent' ? noServer(receipt, asked.error) : tooLate(receipt!, wait);
      return withReceipt(receipt, error);
    }
    await sleep(Math.min(pause, left));
  }
}

type Asked =
  | {readonly kind: 'receipt'; readonly receipt: ReceiptDetails}
  /** The server has an answer, and it is none. */
  | {readonly kind: 'unknown'; readonly error: FtpdctlError}
  /** No server answers: it may be starting anew. */
  | {readonly kind: 'absent'; readonly error: FtpdctlError};

async function askOnce(ask: () => Promise<ReceiptDetails>): Promise<Asked> {
  try {
    return {kind: 'receipt', receipt: await ask()};
  } catch (error) {
    if (!(error instanceof FtpdctlError)) throw error;
    const isAbsent = error instanceof ClientError && error.code !== 'ANSWER_INVALID';
    return {kind: isAbsent ? 'absent' : 'unknown', error};
  }
}

function withReceipt(receipt: ReceiptDetails | undefined, error: FtpdctlError): Waited {
  return receipt === undefined ? {error} : {receipt, error};
}

/**
 * A server that was started meanwhile knows only what the sessions have told it: what the one before it knew to be lost
 * stays lost, and recipients that it has never heard of are unknown, not absent.
 */
function sinceBefore(
  before: ReceiptDetails | undefined,
  now: ReceiptDetails,
  sentTo: number,
): ReceiptDetails {
  const recipients = Math.max(sentTo, now.recipients);
  const known = now.recipients - now.unknown;
  const missing = recipients - known;
  const lostBefore = Math.min(Math.max((before?.lost ?? 0) - now.lost, 0), missing);
  return {
    ...now,
    recipients,
    lost: now.lost + lostBefore,
    unknown: missing - lostBefore,
    undelivered: lostBefore > 0 ? before!.undelivered : now.undelivered,
  };
}

function waitingCount({recipients, shown, probablyShown = 0, lost, unknown}: ReceiptDetails): number {
  return recipients - shown - probablyShown - lost - unknown;
}

/** Nobody has anything left to say of it. */
function isSettled(receipt: ReceiptDetails): boolean {
  const mayBecomeKnown = receipt.unknown > 0 && receipt.unanswered > 0;
  return waitingCount(receipt) <= 0 && !mayBecomeKnown;
}

/** `shown to 2 of 3 sessions, probably to 1`. */
export function shownTo({shown, probablyShown = 0, recipients}: ReceiptDetails): string {
  const probably = probablyShown === 0 ? '' : `, probably to ${probablyShown}`;
  return `shown to ${shown} of ${countOf(recipients, 'session')}${probably}`;
}

function errorIn(receipt: ReceiptDetails): {error?: FtpdctlError} {
  const {lost, unknown, shown, probablyShown = 0, recipients} = receipt;
  const what = [shownTo(receipt), ...lostWords(receipt), ...unknownWords(receipt)].join('; ');
  if (lost > 0) {
    return {error: new FtpdctlError('UNDELIVERED', what, exitStatusOf(STATUS.SUBJECT_NOT_FOUND))};
  }
  if (unknown === 0 && shown + probablyShown === recipients) return {};
  return {
    error: new FtpdctlError('FATE_UNKNOWN', what, EXIT_TEMPFAIL, {
      hint: receipt.interrupted?.length
        ? 'it may have been seen: ask there before it is sent again'
        : 'the server that sent it has ended; its MessageLog has what it knew',
    }),
  };
}

function lostWords({lost, undelivered}: ReceiptDetails): string[] {
  if (lost === 0) return [];
  const [first] = undelivered;
  if (first === undefined) return [`undelivered to ${countOf(lost, 'session')}`];
  const more = lost > 1 ? `, and to ${lost - 1} more` : '';
  return [`undelivered to ${nameOf(first)}, ${first.reason}${more}`];
}

function unknownWords({unknown, interrupted = []}: ReceiptDetails): string[] {
  const names = interrupted.slice(0, MAX_NAMES).map(nameOf);
  const others = unknown - names.length;
  return [
    ...(names.length === 0
      ? []
      : [`nobody can say whether ${names.join(', ')} saw it: the session ended before that was known`]),
    ...(others === 0
      ? []
      : [
          `nobody can say what became of it in ${countOf(others, names.length === 0 ? 'session' : 'other session')}`,
        ]),
  ];
}

/** The sessions that have not seen it yet: the first of them by name. */
function waitingWords(receipt: ReceiptDetails): string[] {
  const count = waitingCount(receipt);
  if (count <= 0) return [];
  const names = receipt.waiting.slice(0, MAX_NAMES).map(nameOf);
  if (names.length === 0) return [`not yet to ${countOf(count, 'session')}`];
  const more = count > names.length ? `, and ${count - names.length} more` : '';
  return [`not yet to ${names.join(', ')}${more}`];
}

function nameOf({user, host}: SessionName): string {
  return `${user ?? '(none)'}@${host}`;
}

/** @param wait milliseconds */
function tooLate(receipt: ReceiptDetails, wait: number): FtpdctlError {
  const what = [
    `${shownTo(receipt)} within ${wait / 1000} s`,
    ...waitingWords(receipt),
    ...lostWords(receipt),
    ...unknownWords(receipt),
  ];
  return new FtpdctlError('NOT_SHOWN_YET', what.join('; '), EXIT_TEMPFAIL, {
    hint: `a message is shown with the reply to a client's next command${askAgain(receipt.id)}`,
  });
}

/** What went directly is known to this process alone. */
function askAgain(id: string): string {
  return id === DIRECT_RECEIPT_ID ? '' : `; "ftpdctl receipt ${id}" asks again`;
}

function noServer(receipt: ReceiptDetails | undefined, cause: FtpdctlError): FtpdctlError {
  const last = receipt === undefined ? '' : `${shownTo(receipt)} when the server was last asked; now `;
  return new FtpdctlError(
    'NO_RECEIPT',
    `${last}nobody can say what became of it: ${cause.message}`,
    EXIT_TEMPFAIL,
    {
      cause,
      hint: 'it was sent',
    },
  );
}

/** Characters of the bar itself. */
const WIDTH = 24;
const NARROW_WIDTH = 8;

/** A bar on a terminal's standard error that grows as a message is shown to one session after another. */
export class DeliveryProgress {
  readonly #line = new StatusLine();

  readonly #paint: (bar: string) => string;

  private constructor(paint: (bar: string) => string) {
    this.#paint = paint;
  }

  static async start(): Promise<DeliveryProgress> {
    const {green} = await chalkFor(errorOutput());
    return new DeliveryProgress((text) => text.replace(/#+/, (done) => green(done)));
  }

  update(receipt: ReceiptDetails): void {
    const text = shownTo(receipt);
    const done = receipt.shown + (receipt.probablyShown ?? 0);
    this.#line.draw(
      [WIDTH, NARROW_WIDTH]
        .map((width) => `${progressBar(done, receipt.recipients, width)} ${text}`)
        .concat(text),
      text,
      this.#paint,
    );
  }

  end(): void {
    this.#line.clear();
  }
}

/** `[######------]`: as much of it as is done, and all of it only when all is. */
export function progressBar(done: number, total: number, width = WIDTH): string {
  const filled = total === 0 ? width : Math.floor((done / total) * width);
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}]`;
}
