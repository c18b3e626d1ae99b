import {setTimeout as sleep} from 'node:timers/promises';
import {EXIT_TEMPFAIL} from '../../client/errors.ts';
import {FtpdctlError} from '../../errors.ts';
import type {ReceiptDetails} from '../../protocol/details.ts';
import {exitStatusOf, STATUS} from '../../protocol/status.ts';
import {sessionCount} from '../output/sessionTable.ts';

/** Milliseconds between two questions, at first and at the most. */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 1000;
const SLOWING = 1.5;

/** How a wait for a message to be shown has ended; without an error it was shown to each of its recipients. */
export interface Waited {
  /** The last that the server said. */
  readonly receipt?: ReceiptDetails;
  readonly error?: FtpdctlError;
}

export interface ReceiptOptions {
  /** Milliseconds to wait at the most. */
  readonly wait: number;
  /** Ask the server. @param timeout milliseconds */
  readonly ask: (timeout: number) => Promise<ReceiptDetails>;
  readonly onReceipt: (receipt: ReceiptDetails) => void;
}

/**
 * Ask what has become of a message until it was shown to each recipient, or cannot be any more, or time is over.
 * The message is sent by now, so whatever goes wrong is part of the result and not thrown.
 */
export async function awaitReceipt({wait, ask, onReceipt}: ReceiptOptions): Promise<Waited> {
  const end = performance.now() + wait;
  let receipt: ReceiptDetails | undefined;
  try {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * SLOWING, LONGEST_PAUSE)) {
      receipt = await ask(Math.max(end - performance.now(), FIRST_PAUSE));
      onReceipt(receipt);
      if (isSettled(receipt)) return {receipt, ...errorIn(receipt)};
      const left = end - performance.now();
      if (left <= 0) return {receipt, error: tooLate(receipt, wait)};
      await sleep(Math.min(pause, left));
    }
  } catch (error) {
    if (!(error instanceof FtpdctlError)) throw error;
    return {...(receipt ? {receipt} : {}), error};
  }
}

function isSettled({recipients, shown, lost}: ReceiptDetails): boolean {
  return shown + lost >= recipients;
}

/** `shown to 2 of 3 sessions`. */
export function shownTo({shown, recipients}: ReceiptDetails): string {
  return `shown to ${shown} of ${sessionCount(recipients)}`;
}

function errorIn(receipt: ReceiptDetails): {error?: FtpdctlError} {
  const [first] = receipt.undelivered;
  if (first === undefined) return {};
  const more = receipt.lost > 1 ? `, and to ${receipt.lost - 1} more` : '';
  return {
    error: new FtpdctlError(
      'UNDELIVERED',
      `${shownTo(receipt)}: undelivered to ${first.user ?? '(none)'}@${first.host}, ${first.reason}${more}`,
      exitStatusOf(STATUS.SUBJECT_NOT_FOUND),
    ),
  };
}

/** @param wait milliseconds */
function tooLate(receipt: ReceiptDetails, wait: number): FtpdctlError {
  return new FtpdctlError('NOT_SHOWN_YET', `${shownTo(receipt)} within ${wait / 1000} s`, EXIT_TEMPFAIL, {
    hint: `a message is shown with the reply to a client's next command; "ftpdctl receipt ${receipt.id}" asks again`,
  });
}
