import {checkAnswer, listAnswer, noteLine, subjectOf} from '../../acl/answers.ts';
import {CONNECT, mayRun, OPEN_ACTION} from '../../acl/evaluate.ts';
import type {Caller} from '../../acl/names.ts';
import {FtpdctlError} from '../../errors.ts';
import {STATUS} from '../../protocol/message.ts';
import {type ControlResult, failure, success} from '../controlResult.ts';
import type {Action, ActionRequest, ServerView} from './action.ts';

/** mod_ctrls_admin's action that lists the configuration: callers who may run it may see the ACLs, too. */
const SEES_CONFIGURATION = 'get';

const USAGE = failure(
  STATUS.WRONG_PARAMETERS,
  'acl: expected check ACTION [user NAME] [group NAME], or list',
);
const NOT_ABOUT_OTHERS = failure(
  STATUS.ACCESS_DENIED,
  `acl: only root, the server's own user, and those who may run '${SEES_CONFIGURATION}' may ask about others`,
);

/** Callers who may connect may ask about themselves. */
export const acl: Action = {
  name: 'acl',
  module: 'mod_ftpdctl.c',
  description: 'explain who may run which control, and why',
  permission: OPEN_ACTION,
  async run(request, server) {
    const [question, ...words] = request.args;
    if (question === 'check') return check(words, request, server);
    if (question !== 'list' || words.length > 0) return USAGE;
    if (!seesConfiguration(request.caller, server)) return NOT_ABOUT_OTHERS;
    const {lines, details} = listAnswer(server.access, (action) => server.controls.has(action));
    return success(lines, details);
  },
};

function check(
  [action, ...words]: readonly string[],
  {caller}: ActionRequest,
  server: ServerView,
): ControlResult {
  const named = takeNames(words);
  if (action === undefined || named === undefined) return USAGE;
  try {
    if (words.length > 0 && !seesConfiguration(caller, server)) return NOT_ABOUT_OTHERS;
    const subject = subjectOf(server.names, caller, named);
    const permission = server.controls.permissionOf(action);
    const reader = seesConfiguration(caller, server) ? 'administrator' : 'caller';
    const {lines, details} = checkAnswer(server.access, action, subject, {permission, reader});
    return success([...lines, ...noSuchAction(action, server)], details);
  } catch (error) {
    if (!(error instanceof FtpdctlError)) throw error;
    return failure(STATUS.SUBJECT_NOT_FOUND, `acl: ${error.message}`);
  }
}

/** A configuration decides on actions that this server has not. */
function noSuchAction(action: string, {controls}: ServerView): string[] {
  const isKnown = controls.has(action) || action === SEES_CONFIGURATION || action === CONNECT;
  return isKnown ? [] : [noteLine(`this server has no action '${action}'`)];
}

function takeNames(words: readonly string[]): {user?: string; group?: string} | undefined {
  const named: {user?: string; group?: string} = {};
  for (let at = 0; at < words.length; at += 2) {
    const [kind, name] = words.slice(at);
    if ((kind !== 'user' && kind !== 'group') || name === undefined) return undefined;
    named[kind] = name;
  }
  return named;
}

function seesConfiguration(caller: Caller, {access}: ServerView): boolean {
  return caller.uid === 0 || caller.uid === process.geteuid?.() || mayRun(access, SEES_CONFIGURATION, caller);
}
