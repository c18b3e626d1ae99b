import type {Remembered} from '../../client/memory.ts';
import {jsonRequestText} from '../../protocol/json.ts';
import {JSON_LIMITS, MOD_MSG_TEXT_BYTES} from '../../protocol/limits.ts';
import {MAX_TEXT_BYTES} from '../../session/limits.ts';

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
