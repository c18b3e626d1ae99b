import {type Audience, selectSessions} from '../../audience/audience.ts';
import type {MessageDetails} from '../../protocol/details.ts';
import {STATUS} from '../../protocol/status.ts';
import type {Delivery} from '../../session/queue/sessionQueue.ts';
import {fitting} from '../fitting.ts';
import {type Messages, sessionCount} from '../messages.ts';
import {failure, type Reply, success} from '../reply.ts';
import {whyRefused} from '../words.ts';
import type {Action, ActionRequest} from './action.ts';
import {resolveAudience, takeAudience} from './audienceWords.ts';
import {whoSession} from './whoSession.ts';

export const msg: Action = {
  name: 'msg',
  module: 'mod_msg.c',
  description: 'send messages to connected clients',
  permission: 'msg',
  run(request, {messages, hosts}) {
    const words = takeAudience('msg', request.args);
    if (words.kind === 'refused') return words.reply;
    const {dryRun = false} = request.options;
    if (typeof dryRun !== 'boolean')
      return failure(STATUS.WRONG_PARAMETERS, '"dryRun" must be true or false');
    const text = textOf(words.rest, request.options['lines'], words.type);
    if (text.kind === 'refused') return text.reply;
    const deliver = (audience: Audience | Reply) =>
      'status' in audience ? audience : deliverTo(audience, text.text, request, messages);
    const audience = resolveAudience('msg', words, hosts);
    return audience instanceof Promise ? audience.then(deliver) : deliver(audience);
  },
};

type Text =
  | {readonly kind: 'text'; readonly text: string}
  | {readonly kind: 'refused'; readonly reply: Reply};

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
  return {kind: 'refused', reply: failure(STATUS.WRONG_PARAMETERS, line)};
}

function deliverTo(audience: Audience, text: string, request: ActionRequest, messages: Messages): Reply {
  if (request.options['dryRun'] === true) return rehearse(audience, messages);
  const delivery = messages.send({uid: request.caller.uid, client: request.client}, audience, text);
  const {id, recipients, engineOff, refused} = delivery;
  const details: MessageDetails = {
    recipients: recipients - refused.length,
    engineOff,
    refused: refused.length,
  };
  if (details.recipients === 0) return {...notSent(audience, delivery), details};
  return success(['message sent', ...exceptions(engineOff, refused.length)], {...details, id});
}

/** Those among the audience who get nothing. Their sender is told, which the real module does not do. */
function exceptions(engineOff: number, full: number): string[] {
  return [
    ...(engineOff === 0 ? [] : [`not sent to ${sessionCount(engineOff)}: MessageEngine is off`]),
    ...(full === 0 ? [] : [`not sent to ${sessionCount(full)}: too many messages wait`]),
  ];
}

/**
 * Nobody takes the message. In mod_msg's own words, status 0 included, where nobody is connected (measured); where it
 * would say "message sent" and lose it, not.
 */
function notSent(audience: Audience, {engineOff, refused}: Delivery): Reply {
  if (refused.length > 0) {
    return failure(STATUS.OPERATION_DENIED, 'unable to send message: too many messages wait');
  }
  if (engineOff > 0) return failure(STATUS.OPERATION_IGNORED, 'unable to send message: MessageEngine is off');
  if (audience.kind === 'all') return success(['error sending message: Success']);
  return failure(STATUS.SUBJECT_NOT_FOUND, 'unable to send message: no such client connected', STATUS.OK);
}

/** Say who would get the message, and send nothing. */
function rehearse(audience: Audience, messages: Messages): Reply {
  const meant = selectSessions(audience, messages.sessions());
  const takers = meant.filter(({engine}) => engine);
  const engineOff = meant.length - takers.length;
  const sessions = fitting(takers.map(whoSession));
  const details: MessageDetails = {recipients: takers.length, engineOff, refused: 0, sessions};
  if (takers.length === 0) {
    return {...notSent(audience, {id: '', recipients: 0, engineOff, refused: []}), details};
  }
  return success(
    [`message would be sent to ${sessionCount(takers.length)}`, ...exceptions(engineOff, 0)],
    details,
  );
}
