import {type FrameReader, ProtocolError, readInt32, readString} from './frame.ts';
import {BINARY_LIMITS} from './limits.ts';
import type {ControlRequest, ControlResponse} from './message.ts';

/**
 * The binary dialect (ProFTPD ≤ 1.3.8): `int32 status`, `uint32 count`, then count × (`uint32 length`, bytes).
 * In a request the status is 0 and the first string is the action.
 */
function encodeStrings(status: number, parts: readonly Buffer[]): Buffer {
  const frame = Buffer.alloc(8 + parts.reduce((sum, part) => sum + 4 + part.length, 0));
  let at = frame.writeInt32LE(status, 0);
  at = frame.writeUInt32LE(parts.length, at);
  for (const part of parts) {
    at = frame.writeUInt32LE(part.length, at);
    at += part.copy(frame, at);
  }
  return frame;
}

/** Encode a request. Limits are not checked here: see `planRequest`. */
export function encodeBinaryRequest(request: ControlRequest): Buffer {
  return encodeStrings(
    0,
    [request.action, ...request.args].map((text) => Buffer.from(text)),
  );
}

/** Encode a response, cut to what the stock client takes: 1024 strings of 1023 bytes, never inside a character. */
export function encodeBinaryResponse(response: ControlResponse): Buffer {
  const lines = response.responses.slice(0, BINARY_LIMITS.responseStrings);
  return encodeStrings(
    response.status,
    lines.map((line) => truncateUtf8(line, BINARY_LIMITS.responseBytes)),
  );
}

/** The text's first `limit` bytes, less those of a character cut in two (RFC 3629 §3: it goes on with 10xxxxxx). */
function truncateUtf8(text: string, limit: number): Buffer {
  const whole = Buffer.from(text);
  let end = limit;
  while ((whole[end]! & 0xc0) === 0x80) end--;
  return whole.subarray(0, end);
}

/** Read what follows the status word of a response. */
export function* readBinaryResponse(status: number): FrameReader<ControlResponse> {
  const count = (yield* readInt32()) >>> 0;
  if (count > BINARY_LIMITS.responseStrings) {
    throw new ProtocolError(
      'PROTOCOL_TOO_LONG',
      `a response of ${count} lines, the limit is ${BINARY_LIMITS.responseStrings}`,
    );
  }
  const responses: string[] = [];
  for (let i = 0; i < count; i++) responses.push(yield* readString(BINARY_LIMITS.responseBytes, 'a line'));
  return {status, responses};
}

/**
 * Read what follows the status word of a request, within the limits of 1.3.8. A request without an action
 * (count 0) is malformed: it crashes 1.3.8.
 */
export function* readBinaryRequest(): FrameReader<ControlRequest> {
  const count = (yield* readInt32()) >>> 0;
  if (count === 0) throw new ProtocolError('PROTOCOL_MALFORMED', 'a request without an action');
  if (count > BINARY_LIMITS.requestStrings) {
    throw new ProtocolError(
      'PROTOCOL_TOO_LONG',
      `a request of ${count} words, the limit is ${BINARY_LIMITS.requestStrings}`,
    );
  }
  const action = yield* readString(BINARY_LIMITS.actionBytes, 'an action');
  const args: string[] = [];
  for (let i = 1; i < count; i++) args.push(yield* readString(BINARY_LIMITS.argumentBytes, 'an argument'));
  return {action, args};
}
