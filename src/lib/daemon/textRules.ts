import type {ServerInfo} from '../client/serverCache.ts';
import type {ServerKind} from '../protocol/guard.ts';
import {jsonRequestText} from '../protocol/json.ts';
import {JSON_LIMITS, MOD_MSG_TEXT_BYTES} from '../protocol/limits.ts';
import {planRequest} from '../protocol/plan.ts';
import {MAX_TEXT_BYTES} from '../session/limits.ts';
import type {TextRules} from './daemon.ts';

/** What the server behind a controls socket takes as a message. */
export function textRulesOf(server: ServerInfo): TextRules {
  const kind: ServerKind = server.serve
    ? {kind: 'serve', maxRequest: server.serve.maxRequest}
    : {kind: 'proftpd'};
  return {
    severalLines: kind.kind === 'serve',
    utf8: kind.kind === 'serve',
    room: ({audience, text}) => roomLeft(server, audience, text),
    refusal({audience, text}) {
      const plan = planRequest({kind: 'message', audience, text}, kind, [server.dialect]);
      return plan.kind === 'refused' ? plan.refusal.message : undefined;
    },
  };
}

/**
 * How many more bytes of text fit into a message; below 0 when it is too long. A server of the binary dialect may
 * still refuse a shorter text whose words are very long: `planRequest` has the last word.
 */
export function roomLeft(server: ServerInfo, audience: readonly string[], text: string): number {
  if (server.serve) return MAX_TEXT_BYTES - Buffer.byteLength(JSON.stringify(text));
  const shown = MOD_MSG_TEXT_BYTES - Buffer.byteLength(text);
  if (server.dialect === 'binary') return shown;
  const request = jsonRequestText({action: 'msg', args: [...audience, text]});
  return Math.min(shown, JSON_LIMITS.requestBytes - Buffer.byteLength(request));
}

/** What a session takes past its daemon: several lines, each a message of its own, and every character but controls. */
export const DIRECT_TEXT_RULES: TextRules = {
  severalLines: true,
  utf8: true,
  room: ({text}) => Math.min(...text.split('\n').map((line) => MOD_MSG_TEXT_BYTES - Buffer.byteLength(line))),
  refusal: ({text}) =>
    text.split('\n').some((line) => Buffer.byteLength(line) > MOD_MSG_TEXT_BYTES)
      ? `a line has at most ${MOD_MSG_TEXT_BYTES} bytes`
      : undefined,
};
