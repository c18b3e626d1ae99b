import {encodeBinaryRequest, encodeBinaryResponse, readBinaryRequest, readBinaryResponse} from './binary.ts';
import {FrameDecoder, type FrameReader, ProtocolError, readInt32} from './frame.ts';
import {encodeJsonRequest, encodeJsonResponse, parseJsonRequest, parseJsonResponse} from './json.ts';
import {JSON_LIMITS} from './limits.ts';
import type {ControlRequest, ControlResponse, Dialect} from './message.ts';

/** A frame and the dialect it came in. */
export interface Framed<T> {
  readonly dialect: Dialect;
  readonly message: T;
}

/** The bytes of a request, to be written in one write: 1.3.8 reads once per field and does not wait. */
export function encodeRequest(dialect: Dialect, request: ControlRequest): Buffer {
  return dialect === 'binary' ? encodeBinaryRequest(request) : encodeJsonRequest(request);
}

/** The bytes of a response. */
export function encodeResponse(dialect: Dialect, response: ControlResponse): Buffer {
  return dialect === 'binary' ? encodeBinaryResponse(response) : encodeJsonResponse(response);
}

/**
 * A decoder of one response in either dialect. Its first word tells which: 0 or negative is a binary status, a
 * positive one the length of JSON text. A positive one too short for a JSON response is a binary status, too
 * (the stock 1.3.8 client takes such).
 */
export function responseDecoder(): FrameDecoder<Framed<ControlResponse>> {
  return new FrameDecoder(readResponse());
}

function* readResponse(): FrameReader<Framed<ControlResponse>> {
  const word = yield* readInt32();
  if (word < JSON_LIMITS.shortestResponseBytes) {
    return {dialect: 'binary', message: yield* readBinaryResponse(word)};
  }
  if (word > JSON_LIMITS.responseBytes) {
    throw new ProtocolError(
      'PROTOCOL_TOO_LONG',
      `a response of ${word} bytes, the limit is ${JSON_LIMITS.responseBytes}`,
    );
  }
  return {dialect: 'json', message: parseJsonResponse(yield word)};
}

/**
 * A decoder of one request in either dialect: a first word of 0 is a binary status, a positive one of at most
 * `maxBytes` the length of JSON text.
 */
export function requestDecoder(maxBytes: number): FrameDecoder<Framed<ControlRequest>> {
  return new FrameDecoder(readRequest(maxBytes));
}

function* readRequest(maxBytes: number): FrameReader<Framed<ControlRequest>> {
  const word = (yield* readInt32()) >>> 0;
  if (word === 0) return {dialect: 'binary', message: yield* readBinaryRequest()};
  if (word > maxBytes) {
    throw new ProtocolError('PROTOCOL_TOO_LONG', `a request of ${word} bytes, the limit is ${maxBytes}`);
  }
  return {dialect: 'json', message: parseJsonRequest(yield word)};
}
