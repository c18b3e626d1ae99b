import {mayRun, OPEN_ACTION} from '../../acl/evaluate.ts';
import {NOT_LOGGED_IN} from '../../audience.ts';
import type {ReceiptDetails} from '../../protocol/details.ts';
import {STATUS} from '../../protocol/message.ts';
import type {Receipt} from '../../session/queue/receiptStore.ts';
import {countOf} from '../../text.ts';
import {ACCESS_DENIED, failure, success, takeWhileFits, WRONG_NUMBER} from '../controlResult.ts';
import type {Messages} from '../messages.ts';
import type {Action} from './action.ts';

/** Lines about single sessions: at most so many undelivered, and so many waiting. */
const MAX_LINES = 100;
/** Sessions named because they have not shown the message yet. */
const MAX_NAMED_WAITING = 1000;
/** Bytes of each of the three lists of sessions: an answer may have 1 MiB. */
const MAX_LIST_BYTES = 300 * 1024;

/** What has become of a message. Open to its sender, and to callers who may send messages themselves. */
export const receipt: Action = {
  name: 'receipt',
  module: 'mod_ftpdctl.c',
  description: 'report what has become of a message',
  permission: OPEN_ACTION,
  async run({args, caller}, {messages, access}) {
    const [id] = args;
    if (id === undefined || args.length > 1) return WRONG_NUMBER;
    await messages.answered();
    const message = messages.receipt(id);
    if (message?.sender !== caller.uid && !mayRun(access, 'msg', caller)) return ACCESS_DENIED;
    if (message === undefined) return failure(STATUS.SUBJECT_NOT_FOUND, `no such message: '${id}'`);
    const details = detailsOf(message, messages);
    return success([`message ${id}: ${shownTo(details)}`, ...lines(details)], details);
  },
};

function detailsOf(message: Receipt, messages: Messages): ReceiptDetails {
  const {id, recipients, shown, lost, undelivered, waiting, unknown, interrupted} = message;
  const names = waiting === 0 ? [] : messages.waitingFor(id);
  return {
    id,
    recipients,
    shown,
    lost,
    unknown,
    unanswered: messages.unanswered,
    undelivered: takeWhileFits(
      undelivered.map(({user, host, reason}) => ({user, host, reason})),
      MAX_LIST_BYTES,
    ),
    interrupted: takeWhileFits(
      interrupted.map(({user, host}) => ({user, host})),
      MAX_LIST_BYTES,
    ),
    waiting: takeWhileFits(
      names.slice(0, MAX_NAMED_WAITING).map(({identity: {user, host}}) => ({user, host})),
      MAX_LIST_BYTES,
    ),
  };
}

function shownTo({shown, recipients}: ReceiptDetails): string {
  return `shown to ${shown} of ${countOf(recipients, 'session')}`;
}

function lines({undelivered, waiting, unknown, interrupted = []}: ReceiptDetails): string[] {
  const others = unknown - interrupted.length;
  const orEnded = interrupted.length === 0 ? '' : ', or its process has ended';
  return [
    ...undelivered
      .slice(0, MAX_LINES)
      .map(({user, host, reason}) => `undelivered to ${user ?? NOT_LOGGED_IN}@${host}: ${reason}`),
    ...waiting.slice(0, MAX_LINES).map(({user, host}) => `not yet shown to ${user ?? NOT_LOGGED_IN}@${host}`),
    ...interrupted
      .slice(0, MAX_LINES)
      .map(
        ({user, host}) =>
          `not known of ${user ?? NOT_LOGGED_IN}@${host}: session process ended while showing it`,
      ),
    ...(others === 0
      ? []
      : [`not known of ${countOf(others, 'session')}: an earlier server sent it${orEnded}`]),
  ];
}
