import {ProtocolError} from './frame.ts';
import type {ControlRequest, ControlResponse, ServerIdentity} from './message.ts';

/**
 * The JSON dialect (ProFTPD ≥ 1.3.9): `uint32 length`, then that many bytes of JSON.
 * Extra keys, key order and white space do not matter; ours is the key `ftpdctl`.
 */
function encodeText(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(4 + length);
  frame.writeUInt32LE(length, 0);
  frame.write(text, 4);
  return frame;
}

/** The JSON text of a request, as the stock client writes it. */
export function jsonRequestText(request: ControlRequest): string {
  return JSON.stringify({action: request.action, args: request.args, ftpdctl: request.options});
}

/** Encode a request. Limits are not checked here: see `planRequest`. */
export function encodeJsonRequest(request: ControlRequest): Buffer {
  return encodeText(jsonRequestText(request));
}

/** Encode a response; `server` travels under the key `ftpdctl`. */
export function encodeJsonResponse(response: ControlResponse): Buffer {
  return encodeText(
    JSON.stringify({status: response.status, responses: response.responses, ftpdctl: response.server}),
  );
}

/** @throws ProtocolError `PROTOCOL_MALFORMED` unless the bytes are a JSON object. */
function parseObject(bytes: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new ProtocolError('PROTOCOL_MALFORMED', 'the frame is not valid JSON', {cause});
  }
  if (!isObject(value)) throw new ProtocolError('PROTOCOL_MALFORMED', 'the frame is not a JSON object');
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Decode the body of a response frame. @throws ProtocolError `PROTOCOL_MALFORMED`. */
export function parseJsonResponse(bytes: Buffer): ControlResponse {
  const {status, responses, ftpdctl} = parseObject(bytes);
  if (typeof status !== 'number' || !Number.isInteger(status)) {
    throw new ProtocolError('PROTOCOL_MALFORMED', 'the response has no whole number as its "status"');
  }
  if (!isStrings(responses)) {
    throw new ProtocolError('PROTOCOL_MALFORMED', 'the response has no list of texts as its "responses"');
  }
  return isServerIdentity(ftpdctl) ? {status, responses, server: ftpdctl} : {status, responses};
}

function isServerIdentity(value: unknown): value is ServerIdentity {
  return isObject(value) && typeof value['version'] === 'string' && typeof value['maxRequest'] === 'number';
}

/** Decode the body of a request frame. @throws ProtocolError `PROTOCOL_MALFORMED`. */
export function parseJsonRequest(bytes: Buffer): ControlRequest {
  const {action, args, ftpdctl} = parseObject(bytes);
  if (typeof action !== 'string' || !isStrings(args)) {
    throw new ProtocolError(
      'PROTOCOL_MALFORMED',
      'the request has no "action" with a list of texts as "args"',
    );
  }
  return isObject(ftpdctl) ? {action, args, options: ftpdctl} : {action, args};
}
