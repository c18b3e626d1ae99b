import type {Remembered} from '../client/memory.ts';
import {messageRequest, type Peer, RequestRefused} from '../protocol/guard.ts';
import {jsonRequestText} from '../protocol/json.ts';
import {JSON_LIMITS, MOD_MSG_TEXT_BYTES} from '../protocol/limits.ts';
import {MAX_TEXT_BYTES} from '../session/limits.ts';
import type {TextRules} from './daemon.ts';

/** What the server behind a controls socket takes as a message. */
export function textRulesOf(server: Remembered): TextRules {
  const peer: Peer = server.serve ? {kind: 'serve', maxRequest: server.serve.maxRequest} : {kind: 'proftpd'};
  return {
    severalLines: peer.kind === 'serve',
    utf8: peer.kind === 'serve',
    room: ({audience, text}) => roomLeft(server, audience, text),
    refusal({audience, text}) {
      try {
        messageRequest(server.dialect, audience, text, peer);
        return undefined;
      } catch (error) {
        if (error instanceof RequestRefused) return error.message;
        throw error;
      }
    },
  };
}

/**
 * How many more bytes of text fit into a message; below 0 when it is too long. A server of the binary dialect may
 * still refuse a shorter text whose words are very long: `messageRequest` has the last word.
 */
export function roomLeft(server: Remembered, audience: readonly string[], text: string): number {
  if (server.serve) return MAX_TEXT_BYTES - Buffer.byteLength(JSON.stringify(text));
  const shown = MOD_MSG_TEXT_BYTES - Buffer.byteLength(text);
  if (server.dialect === 'binary') return shown;
  const request = jsonRequestText({action: 'msg', args: [...audience, text]});
  return Math.min(shown, JSON_LIMITS.requestBytes - Buffer.byteLength(request));
}
