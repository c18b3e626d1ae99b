export {
  type ClientEvent,
  type ControlAnswer,
  type ControlAnswer as Answer,
  ControlsClient,
  type ControlsClientOptions,
  DEFAULT_TIMEOUT,
  type MessageOptions,
} from './lib/client/client.ts';
export {ClientError, type ClientErrorCode} from './lib/client/errors.ts';
export {type ConnectOptions, connect, type DaemonEvent} from './lib/daemon/connect.ts';
export type {
  AccessQuestion,
  AccessResult,
  AudienceWords,
  Daemon,
  DaemonAnswer,
  DeliveryResult,
  OutgoingMessage,
  SendingOptions,
  Session,
  SessionFilter,
  SessionsResult,
  TextRules,
  Unsupported,
  Via,
} from './lib/daemon/daemon.ts';
export {FtpdctlError} from './lib/errors.ts';
export {RequestRefused} from './lib/protocol/guard.ts';
export type {ControlResponse, Dialect, ServerIdentity} from './lib/protocol/message.ts';
export {exitStatusOf, STATUS, type Status, type StatusName, statusName} from './lib/protocol/message.ts';
