/**
 * What fits on the wire, by dialect. Measured on ProFTPD 1.3.8 (`CTRLS_MAX_*` of `src/ctrls.c`) and 1.3.10rc5.
 * Beyond these a daemon resets the connection or crashes, so they are compared before anything is sent or allocated.
 */
export const BINARY_LIMITS = {
  /** Strings of a request, the action among them. */
  requestStrings: 32,
  /** Bytes of an action. */
  actionBytes: 127,
  /** Bytes of one argument. */
  argumentBytes: 256,
  /** Strings of a response. */
  responseStrings: 1024,
  /** Bytes of one string of a response. */
  responseBytes: 1023,
} as const;

export const JSON_LIMITS = {
  /** Bytes of a request's JSON text. */
  requestBytes: 1024,
  /** Bytes of a response's JSON text. */
  responseBytes: 1024 * 1024,
  /** The shortest well-formed response is `{"status":0,"responses":[]}`. */
  shortestResponseBytes: 27,
} as const;

/**
 * The longest text that mod_msg shows whole, in bytes. From the next byte on the reply loses its line end and the
 * FTP client hangs (measured on 1.3.8 and 1.3.10rc5).
 */
export const MOD_MSG_TEXT_BYTES = 5113;

/** What `ftpdctl serve` takes: bytes of a request in either dialect. A response keeps `JSON_LIMITS.responseBytes`. */
export const SERVE_REQUEST_BYTES = 65536;
