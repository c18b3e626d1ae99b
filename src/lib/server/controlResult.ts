import {encodeResponse} from '../protocol/codec.ts';
import type {WhoSession} from '../protocol/details.ts';
import {JSON_LIMITS, SERVE_REQUEST_BYTES} from '../protocol/limits.ts';
import {type Dialect, STATUS, type Status} from '../protocol/message.ts';
import type {SessionInfo} from '../session/queue/sessions.ts';

/** What an action comes to. */
export interface ControlResult {
  /** As ProFTPD 1.3.10 has it. */
  readonly status: Status;
  /** What a binary client gets, where that is not −1 for every failure: 1.3.8 reports some with 0. */
  readonly binaryStatus?: Status;
  readonly lines: readonly string[];
  /** For our own client, one shape an action (protocol/details.ts). */
  readonly details?: object;
  /** The caller may not even connect: then there is no sense in asking `acl check`. */
  readonly denied?: 'connect';
}

export function success(lines: readonly string[], details?: object): ControlResult {
  return {status: STATUS.OK, lines, ...(details === undefined ? {} : {details})};
}

export function failure(status: Status, line: string, binaryStatus?: Status): ControlResult {
  return {status, lines: [line], ...(binaryStatus === undefined ? {} : {binaryStatus})};
}

// The words of mod_ctrls (measured on 1.3.8 and 1.3.10).
export const ACCESS_DENIED = failure(STATUS.ACCESS_DENIED, 'access denied');
export const UNSUPPORTED = failure(STATUS.UNSUPPORTED_OPERATION, 'unsupported action requested');
export const BLOCKED = failure(STATUS.INTERNAL_ERROR, 'blocked connection');
export const STALE = failure(STATUS.GENERIC_ERROR, 'error: stale connection');
export const WRONG_NUMBER = failure(STATUS.WRONG_PARAMETERS, 'wrong number of parameters');

/** The bytes of a result, as a client of that dialect takes them. `version` is ours. */
export function resultFrame(result: ControlResult, dialect: Dialect, version: string): Buffer {
  const {status, lines, details, denied} = result;
  if (dialect === 'binary') {
    const binaryStatus = result.binaryStatus ?? (status < 0 ? STATUS.GENERIC_ERROR : STATUS.OK);
    return encodeResponse(dialect, {status: binaryStatus, responses: lines});
  }
  const server = {
    version,
    maxRequest: SERVE_REQUEST_BYTES,
    ...(denied === undefined ? {} : {denied}),
    ...(details === undefined ? {} : {details: {...details}}),
  };
  const frame = encodeResponse(dialect, {status, responses: lines, server});
  if (frame.length - 4 <= JSON_LIMITS.responseBytes) return frame;
  return resultFrame(failure(STATUS.INTERNAL_ERROR, 'the answer is too long'), dialect, version);
}

/** Bytes of JSON that one list in an answer may take. A response has 1 MiB; the lines take less than half of it. */
const LIST_BYTES = 480 * 1024;

/** The items from the first on, as many as fit into an answer. */
export function takeWhileFits<T>(items: readonly T[], bytes = LIST_BYTES): readonly T[] {
  let room = bytes;
  const end = items.findIndex((item) => {
    room -= Buffer.byteLength(JSON.stringify(item)) + 1;
    return room < 0;
  });
  return end === -1 ? items : items.slice(0, end);
}

/** A session as our client is told of it. */
export function whoSession({connectedAt, idle, ...session}: SessionInfo): WhoSession {
  return {...session, connectedAt: connectedAt.getTime(), idle: Math.round(idle / 1000)};
}
