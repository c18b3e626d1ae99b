import {mayRun, OPEN_ACTION} from '../../acl/evaluate.ts';
import {NOT_LOGGED_IN} from '../../audience/audience.ts';
import type {ReceiptDetails} from '../../protocol/details.ts';
import {STATUS} from '../../protocol/status.ts';
import {fitting} from '../fitting.ts';
import {sessionCount} from '../messages.ts';
import {ACCESS_DENIED, failure, success, WRONG_NUMBER} from '../reply.ts';
import type {Action} from './action.ts';

/** The sessions that get lines of their own. */
const MOST_LINES = 100;
/** Bytes: all that an answer may have, less the lines. */
const MOST_DETAILS = 900 * 1024;

/** How far a message has come. For whoever has sent it, and for those who may send messages themselves. */
export const receipt: Action = {
  name: 'receipt',
  module: 'mod_ftpdctl.c',
  description: 'report what has become of a message',
  permission: OPEN_ACTION,
  run({args, caller}, {messages, access}) {
    const [id] = args;
    if (id === undefined || args.length > 1) return WRONG_NUMBER;
    const message = messages.sent(id);
    if (message?.sender !== caller.uid && !mayRun(access, 'msg', caller)) return ACCESS_DENIED;
    if (message === undefined) return failure(STATUS.SUBJECT_NOT_FOUND, `no such message: '${id}'`);
    const {recipients, shown, lost} = message;
    const undelivered = fitting(lost, MOST_DETAILS);
    const details: ReceiptDetails = {id, recipients, shown, lost: lost.length, undelivered};
    return success(
      [
        `message ${id}: shown to ${shown} of ${sessionCount(recipients)}`,
        ...lost
          .slice(0, MOST_LINES)
          .map(({user, host, reason}) => `undelivered to ${user ?? NOT_LOGGED_IN}@${host}: ${reason}`),
      ],
      details,
    );
  },
};
