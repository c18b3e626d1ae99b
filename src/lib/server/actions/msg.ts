import {type Audience, selectSessions} from '../../audience.ts';
import type {MessageDetails} from '../../protocol/details.ts';
import {STATUS} from '../../protocol/message.ts';
import {countOf, whyRefused} from '../../text.ts';
import {type ControlResult, failure, success, takeWhileFits, whoSession} from '../controlResult.ts';
import type {Messages} from '../messages.ts';
import type {Action, ActionRequest} from './action.ts';
import {resolveAudience, takeAudience} from './audienceWords.ts';

export const msg: Action = {
  name: 'msg',
  module: 'mod_msg.c',
  description: 'send messages to connected clients',
  permission: 'msg',
  async run(request, {messages, hosts}) {
    const words = takeAudience('msg', request.args);
    if (words.kind === 'refused') return words.result;
    const {dryRun = false} = request.options;
    if (typeof dryRun !== 'boolean')
      return failure(STATUS.WRONG_PARAMETERS, '"dryRun" must be true or false');
    const text = textOf(words.rest, request.options['lines'], words.type);
    if (text.kind === 'refused') return text.result;
    if (messages.unavailable !== undefined) {
      return failure(STATUS.GENERIC_ERROR, `unable to send message: ${messages.unavailable}`);
    }
    const audience = await resolveAudience('msg', words, hosts);
    return 'status' in audience ? audience : deliverTo(audience, text.text, request, messages);
  },
};

type Text =
  | {readonly kind: 'text'; readonly text: string}
  | {readonly kind: 'refused'; readonly result: ControlResult};

/** Words are joined by one space; a message of several lines comes as `lines`, and without words. */
function textOf(words: readonly string[], lines: unknown, type: string): Text {
  if (lines === undefined) {
    if (words.length === 0) return refused(`msg ${type}: missing required message`);
    return {kind: 'text', text: words.join(' ')};
  }
  if (words.length > 0 || !isLines(lines))
    return refused('"lines" must be a list of texts, in place of words');
  for (const [index, line] of lines.entries()) {
    const why = whyRefused(line);
    if (why !== undefined) return refused(`line ${index + 1}: ${why}`);
  }
  return {kind: 'text', text: lines.join('\n')};
}

function isLines(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((line) => typeof line === 'string');
}

function refused(line: string): Text {
  return {kind: 'refused', result: failure(STATUS.WRONG_PARAMETERS, line)};
}

async function deliverTo(
  audience: Audience,
  text: string,
  request: ActionRequest,
  messages: Messages,
): Promise<ControlResult> {
  if (request.options['dryRun'] === true) return dryRun(audience, messages);
  const delivery = await messages.send({uid: request.caller.uid, client: request.client}, audience, text);
  const {id, recipients, engineOff, refused} = delivery;
  const details: MessageDetails = {
    recipients: recipients - refused.length,
    engineOff,
    refused: refused.length,
    unanswered: messages.unanswered,
  };
  if (details.recipients === 0) return {...notSent(audience, details), details};
  return success(['message sent', ...exceptions(details)], {...details, id});
}

/** How many sessions of the audience get nothing, and why. mod_msg does not tell the sender. */
function exceptions({engineOff, refused, unanswered}: MessageDetails): string[] {
  return [
    ...(engineOff === 0 ? [] : [`not sent to ${countOf(engineOff, 'session')}: MessageEngine is off`]),
    ...(refused === 0 ? [] : [`not sent to ${countOf(refused, 'session')}: too many messages wait`]),
    ...(unanswered === 0 ? [] : [`not sent to the sessions of ${processesSilent(unanswered)}`]),
  ];
}

function processesSilent(count: number): string {
  return count === 1
    ? '1 session process that does not answer'
    : `${count} session processes that do not answer`;
}

/**
 * No session takes the message. Where none is connected the answer is mod_msg's, status 0 included (measured). In the
 * other cases mod_msg would answer "message sent" and lose the message; this is an error here.
 */
function notSent(audience: Audience, {engineOff, refused, unanswered}: MessageDetails): ControlResult {
  if (refused > 0) return failure(STATUS.OPERATION_DENIED, 'unable to send message: too many messages wait');
  if (unanswered > 0) {
    const [line] = exceptions({recipients: 0, engineOff: 0, refused: 0, unanswered});
    return failure(STATUS.GENERIC_ERROR, `unable to send message: ${line}`);
  }
  if (engineOff > 0) return failure(STATUS.OPERATION_IGNORED, 'unable to send message: MessageEngine is off');
  const nobody = 'unable to send message: no such client connected';
  // mod_msg says "error sending message: Success", of which nobody can make anything.
  if (audience.kind === 'all') return success([nobody]);
  return failure(STATUS.SUBJECT_NOT_FOUND, nobody, STATUS.OK);
}

/** Say who would get the message, and send nothing. */
async function dryRun(audience: Audience, messages: Messages): Promise<ControlResult> {
  await messages.answered();
  const meant = selectSessions(audience, messages.sessions());
  const takers = meant.filter(({engine}) => engine);
  const details: MessageDetails = {
    recipients: takers.length,
    engineOff: meant.length - takers.length,
    refused: 0,
    unanswered: messages.unanswered,
    sessions: takeWhileFits(takers.map(whoSession)),
  };
  if (takers.length === 0) return {...notSent(audience, details), details};
  return success(
    [`message would be sent to ${countOf(takers.length, 'session')}`, ...exceptions(details)],
    details,
  );
}
