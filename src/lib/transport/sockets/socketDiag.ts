import {getSystemErrorName} from 'node:util';
import {checked, closeDescriptor, libc, SystemCallError} from '../libc.ts';

/** How much has gone over a TCP connection since it began, as the kernel counts: without repeats. */
export interface TcpCounters {
  /** Bytes sent that the other side's kernel has acknowledged. */
  readonly acknowledged: number;
  /** Bytes that the process has written: acknowledged, on their way, or still to be sent. */
  readonly written: number;
  /** Bytes that have arrived, whether the process has read them or not. */
  readonly received: number;
  /** Bytes that the process has read. */
  readonly read: number;
}

// netlink(7), sock_diag(7), <linux/inet_diag.h>, <linux/tcp.h>
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0x80000;
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST_DUMP = 0x001 | 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSG_HEADER_BYTES = 16;
const REQUEST_BYTES = NLMSG_HEADER_BYTES + 56;
const IPPROTO_TCP = 6;
const FAMILIES = [2, 10];
const INET_DIAG_INFO = 2;
/** Connections that are up, at least on our side: ESTABLISHED and CLOSE_WAIT. */
const UP = (1 << 1) | (1 << 8);
const LISTENING = 1 << 10;
const ANSWER_BYTES = 72;
const PORT_OFFSET = 4;
const RECEIVE_QUEUE_OFFSET = 56;
const SEND_QUEUE_OFFSET = 60;
const INODE_OFFSET = 68;
const INFO_OFFSETS = {acknowledged: 120, received: 128};
/** Bytes of one datagram of an answer; the kernel makes them 32 KiB at the most. */
const DATAGRAM_BYTES = 1 << 16;

const calls = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  send: libc.func('intptr_t send(int fd, const uint8_t *bytes, size_t length, int flags)'),
  recv: libc.func('intptr_t recv(int fd, _Out_ uint8_t *bytes, size_t length, int flags)'),
};

/**
 * The counters of every TCP connection of this network namespace, by the inode of its socket. What another user's
 * process sends and receives is told to everybody.
 *
 * @throws SystemCallError when the kernel has no NETLINK_SOCK_DIAG (`EPROTONOSUPPORT`, `ENOENT`)
 */
export function tcpCounters(): Map<number, TcpCounters> {
  const found = new Map<number, TcpCounters>();
  eachSocket(UP, (answer) => {
    const totals = totalsIn(answer.subarray(ANSWER_BYTES));
    if (totals === undefined) return;
    found.set(answer.readUInt32LE(INODE_OFFSET), {
      ...totals,
      written: totals.acknowledged + answer.readUInt32LE(SEND_QUEUE_OFFSET),
      read: totals.received - answer.readUInt32LE(RECEIVE_QUEUE_OFFSET),
    });
  });
  return found;
}

/** A TCP socket that waits for clients. */
export interface ListeningTcpSocket {
  readonly inode: number;
  readonly port: number;
}

/**
 * The listening TCP sockets of this network namespace. `/proc/net/tcp` has them, too, and takes 10 ms a read, since it
 * goes through the kernel's table of all connections.
 *
 * @throws SystemCallError as `tcpCounters`
 */
export function listeningTcpSockets(): ListeningTcpSocket[] {
  const found: ListeningTcpSocket[] = [];
  eachSocket(LISTENING, (answer) => {
    found.push({inode: answer.readUInt32LE(INODE_OFFSET), port: answer.readUInt16BE(PORT_OFFSET)});
  });
  return found;
}

/** @param states a bit for each state of TCP that is meant */
function eachSocket(states: number, see: (answer: Buffer) => void): void {
  const fd = checked('socket', calls.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG));
  try {
    const datagram = Buffer.alloc(DATAGRAM_BYTES);
    for (const family of FAMILIES) {
      const request = dumpRequest(family, states);
      checked('send', Number(calls.send(fd, request, request.length, 0)));
      while (!readAnswers(datagram.subarray(0, receive(fd, datagram)), see));
    }
  } finally {
    closeDescriptor(fd);
  }
}

function receive(fd: number, datagram: Buffer): number {
  return checked('recv', Number(calls.recv(fd, datagram, datagram.length, 0)));
}

function dumpRequest(family: number, states: number): Buffer {
  const request = Buffer.alloc(REQUEST_BYTES);
  request.writeUInt32LE(REQUEST_BYTES, 0);
  request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  request.writeUInt16LE(NLM_F_REQUEST_DUMP, 6);
  request.writeUInt8(family, NLMSG_HEADER_BYTES);
  request.writeUInt8(IPPROTO_TCP, NLMSG_HEADER_BYTES + 1);
  request.writeUInt8(1 << (INET_DIAG_INFO - 1), NLMSG_HEADER_BYTES + 2);
  request.writeUInt32LE(states, NLMSG_HEADER_BYTES + 4);
  return request;
}

/** @returns whether that was the last datagram of the answer */
function readAnswers(datagram: Buffer, see: (answer: Buffer) => void): boolean {
  if (datagram.length === 0) return true;
  for (const {type, body} of messages(datagram)) {
    if (type === NLMSG_DONE) return true;
    if (type === NLMSG_ERROR) throw new SystemCallError('sock_diag', getSystemErrorName(body.readInt32LE(0)));
    see(body);
  }
  return false;
}

function* messages(datagram: Buffer): Generator<{type: number; body: Buffer}> {
  let rest = datagram;
  while (rest.length >= NLMSG_HEADER_BYTES) {
    const length = rest.readUInt32LE(0);
    if (length < NLMSG_HEADER_BYTES) return;
    yield {type: rest.readUInt16LE(4), body: rest.subarray(NLMSG_HEADER_BYTES, length)};
    rest = rest.subarray(aligned(length));
  }
}

/** `struct tcp_info` among the attributes of a socket; before Linux 4.1 it has no such counters. */
function totalsIn(attributes: Buffer): Pick<TcpCounters, 'acknowledged' | 'received'> | undefined {
  let rest = attributes;
  while (rest.length >= 4) {
    const length = rest.readUInt16LE(0);
    if (length < 4) return undefined;
    const value = rest.subarray(4, length);
    if (rest.readUInt16LE(2) === INET_DIAG_INFO && value.length >= INFO_OFFSETS.received + 8) {
      return {
        acknowledged: Number(value.readBigUInt64LE(INFO_OFFSETS.acknowledged)),
        received: Number(value.readBigUInt64LE(INFO_OFFSETS.received)),
      };
    }
    rest = rest.subarray(aligned(length));
  }
  return undefined;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
