import type {Socket} from 'node:net';
import {checked, closeDescriptor, libc} from '../libc.ts';

/** How far a TCP connection has come with what was written to it. */
export interface TcpProgress {
  /** Octets, of all that have been written, that the peer's TCP has acknowledged. */
  readonly acknowledged: number;
  /** False once nothing more can be acknowledged: reset, or closed by both sides. */
  readonly open: boolean;
}

const IPPROTO_TCP = 6;
const TCP_CORK = 3;
const TCP_INFO = 11;
const TCP_CLOSE = 7;
const F_DUPFD_CLOEXEC = 1030;
/** `struct tcp_info` of linux/tcp.h: `tcpi_state`, a byte, and `tcpi_bytes_acked`, 64 bits, since Linux 4.1. */
const STATE_OFFSET = 0;
const BYTES_ACKED_OFFSET = 120;
const INFO_BYTES = 128;

const calls = {
  getsockopt: libc.func(
    'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
  ),
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, const int *value, uint32_t length)'),
  fcntl: libc.func('int fcntl(int fd, int command, ...)'),
};

/**
 * Follows what the peer of a connected socket acknowledges. On Linux by a descriptor of its own, since Node closes the
 * socket's with the reset that this is to be asked about. Elsewhere, and where no descriptor is left, octets count as
 * acknowledged as soon as the kernel has taken them.
 */
export class TcpWatch {
  readonly #socket: Socket;
  #fd: number | null;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#fd = process.platform === 'linux' ? duplicateOf(socket) : null;
  }

  read(): TcpProgress {
    if (this.#fd === null) {
      const {bytesWritten, writableLength, destroyed} = this.#socket;
      return {acknowledged: destroyed ? 0 : bytesWritten - writableLength, open: !destroyed};
    }
    const info = Buffer.alloc(INFO_BYTES);
    const length = [INFO_BYTES];
    checked('getsockopt', calls.getsockopt(this.#fd, IPPROTO_TCP, TCP_INFO, info, length));
    return {
      acknowledged: Number(info.readBigUInt64LE(BYTES_ACKED_OFFSET)),
      open: info[STATE_OFFSET] !== TCP_CLOSE,
    };
  }

  /** As long as this is not called the connection lasts, even when its socket has been destroyed. */
  close(): void {
    if (this.#fd !== null) closeDescriptor(this.#fd);
    this.#fd = null;
  }
}

/**
 * From now on nothing is sent but full segments, until the socket is closed: the last octets go out together with the end.
 * Only Linux has this (tcp(7), TCP_CORK); elsewhere the end follows as soon as it can.
 */
export function sendLastWithEnd(socket: Socket): void {
  const fd = descriptorOf(socket);
  if (process.platform === 'linux' && fd >= 0) calls.setsockopt(fd, IPPROTO_TCP, TCP_CORK, [1], 4);
}

/** Node has no public way to a socket's descriptor. −1: this one is gone. */
function descriptorOf(socket: Socket): number {
  return (socket as unknown as {_handle?: {fd?: number} | null})._handle?.fd ?? -1;
}

/** `null`: there is no descriptor, and there is the fallback. */
function duplicateOf(socket: Socket): number | null {
  const fd = descriptorOf(socket);
  const duplicate = fd < 0 ? -1 : calls.fcntl(fd, F_DUPFD_CLOEXEC, 'int', 0);
  return duplicate < 0 ? null : duplicate;
}
