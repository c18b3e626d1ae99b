import {encodeRequest} from './codec.ts';
import {type RequestRefused, refusalOf, type ServerKind} from './guard.ts';
import type {ControlRequest, Dialect} from './message.ts';
import {type MessageRequest, messageRequest, type OutgoingMessage} from './messageRequest.ts';

/** What a caller wants sent: an action with its arguments as they are, or a message, to be laid out for the server. */
export type OutgoingRequest =
  | ({readonly kind: 'action'} & ControlRequest)
  | ({readonly kind: 'message'} & OutgoingMessage);

/** One request in one dialect, ready to be written. */
export interface Frame {
  readonly dialect: Dialect;
  readonly bytes: Buffer;
}

export type Plan =
  | {readonly kind: 'frames'; readonly frames: readonly Frame[]}
  | {readonly kind: 'refused'; readonly refusal: RequestRefused};

/**
 * The frames that carry a request to a server: one for each of these dialects in which it does no harm and arrives
 * whole. Refused when there is none.
 * @param dialects at least one
 */
export function planRequest(
  request: OutgoingRequest,
  server: ServerKind,
  dialects: readonly Dialect[],
): Plan {
  const plans = dialects.map((dialect) => planFrame(request, dialect, server));
  const frames = plans.flatMap((plan) => (plan.kind === 'frames' ? plan.frames : []));
  return frames.length > 0 ? {kind: 'frames', frames} : plans.at(-1)!;
}

function planFrame(request: OutgoingRequest, dialect: Dialect, server: ServerKind): Plan {
  const laidOut = layOut(request, dialect, server);
  if (laidOut.kind === 'refused') return laidOut;
  const refusal = refusalOf(laidOut.request, dialect, server);
  if (refusal) return {kind: 'refused', refusal};
  return {kind: 'frames', frames: [{dialect, bytes: encodeRequest(dialect, laidOut.request)}]};
}

function layOut(request: OutgoingRequest, dialect: Dialect, server: ServerKind): MessageRequest {
  if (request.kind === 'message') return messageRequest(request, dialect, server);
  const {action, args, options} = request;
  // Only `ftpdctl serve` knows what stands beside the arguments.
  return {
    kind: 'request',
    request: {action, args, ...(server.kind === 'serve' && options && {options})},
  };
}
