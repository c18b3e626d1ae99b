import {readFileSync} from 'node:fs';
import {constants} from 'node:os';
import {FtpdctlError} from '../errors.ts';
import {checked, koffi, libc, SystemCallError} from './libc.ts';

/** One message as it lies on a queue. */
export interface QueuedMessage {
  /** `mtype`: 1 or more; for mod_msg, the pid of the session it is for. */
  readonly type: number;
  readonly bytes: Buffer;
}

/** What the kernel knows of a queue: `struct msqid_ds`. */
export interface QueueStatus {
  readonly messages: number;
  /** Bytes of all messages together. */
  readonly bytes: number;
  /** The most bytes it may hold: `msg_qbytes`. */
  readonly capacity: number;
  /** Seconds since the epoch of the last `msgrcv`; 0: nobody ever took a message. */
  readonly lastReceived: number;
}

const IPC_NOWAIT = 0o4000;
const MSG_COPY = 0o40000;
const IPC_STAT = 2;
const TYPE_BYTES = 8;

/** Bytes of `struct msqid_ds` as the 64-bit architectures below share it (asm-generic/msgbuf.h). */
const STATUS_BYTES = 120;
const STATUS_OFFSETS = {receiveTime: 56, bytes: 72, messages: 80, capacity: 88};
const ARCHITECTURES: readonly string[] = ['x64', 'arm64', 'riscv64', 'loong64'];

/** Bytes of the largest message that is ever received; a larger one cannot be sent where `msgmax` is not raised. */
const MAX_MESSAGE_BYTES = 1 << 20;

const calls = {
  ftok: libc.func('int ftok(const char *path, int project)'),
  msgget: libc.func('int msgget(int key, int flags)'),
  msgsnd: libc.func('int msgsnd(int queue, const uint8_t *message, size_t length, int flags)'),
  msgrcv: libc.func(
    'intptr_t msgrcv(int queue, _Out_ uint8_t *message, size_t length, long type, int flags)',
  ),
  msgctl: libc.func('int msgctl(int queue, int command, _Out_ uint8_t *status)'),
};

/** ftok(3): the key that a file and a project id stand for, signed. @throws SystemCallError when there is no such file. */
export function fileKey(path: string, project: number): number {
  const key: number = calls.ftok(path, project);
  // −1 is a key, too, of a file that is there: only errno tells.
  return key === -1 ? checked('ftok', key) : key;
}

/**
 * An existing System V message queue. Nothing here waits: a full queue and an empty one are answers.
 *
 * @throws FtpdctlError `PLATFORM` where the layout of the kernel's structures is not known
 */
export class SystemVQueue {
  readonly id: number;
  readonly #buffer: Buffer;

  private constructor(id: number) {
    this.id = id;
    this.#buffer = Buffer.alloc(TYPE_BYTES + largestMessage());
  }

  /** The queue of a key, which is never created; `undefined` when there is none. @throws SystemCallError `EACCES` */
  static open(key: number): SystemVQueue | undefined {
    if (process.platform !== 'linux' || !ARCHITECTURES.includes(process.arch)) {
      const machine = `${process.platform} on ${process.arch}`;
      throw new FtpdctlError('PLATFORM', `message queues of the kernel are not supported on ${machine}`, 1, {
        hint: 'send through the controls socket',
      });
    }
    const id: number = calls.msgget(key, 0);
    if (id === -1 && koffi.errno() === constants.errno.ENOENT) return undefined;
    return new SystemVQueue(checked('msgget', id));
  }

  /**
   * Put a message at the end.
   * @returns whether there was room for it
   * @throws SystemCallError `EINVAL`: larger than `msgmax`; `EIDRM` or `EINVAL`: the queue is gone
   */
  send(type: number, bytes: Buffer): boolean {
    const message = Buffer.alloc(TYPE_BYTES + bytes.length);
    message.writeBigInt64LE(BigInt(type));
    bytes.copy(message, TYPE_BYTES);
    const result: number = calls.msgsnd(this.id, message, bytes.length, IPC_NOWAIT);
    if (result === -1 && koffi.errno() === constants.errno.EAGAIN) return false;
    checked('msgsnd', result);
    return true;
  }

  /** Take the oldest message of a type; `undefined` when there is none. @throws SystemCallError */
  receive(type: number): Buffer | undefined {
    return this.#receive(type, 0)?.bytes;
  }

  /**
   * All messages, oldest first, without taking any.
   * @returns `undefined` where the kernel cannot tell (no CONFIG_CHECKPOINT_RESTORE)
   */
  list(): QueuedMessage[] | undefined {
    const messages: QueuedMessage[] = [];
    try {
      for (;;) {
        const message = this.#receive(messages.length, MSG_COPY);
        if (message === undefined) return messages;
        messages.push(message);
      }
    } catch (error) {
      if (error instanceof SystemCallError && error.code === 'ENOSYS') return undefined;
      throw error;
    }
  }

  /** @throws SystemCallError `EIDRM` or `EINVAL`: the queue is gone */
  status(): QueueStatus {
    const status = Buffer.alloc(STATUS_BYTES);
    checked('msgctl', calls.msgctl(this.id, IPC_STAT, status));
    const number = (offset: number) => Number(status.readBigUInt64LE(offset));
    return {
      messages: number(STATUS_OFFSETS.messages),
      bytes: number(STATUS_OFFSETS.bytes),
      capacity: number(STATUS_OFFSETS.capacity),
      lastReceived: number(STATUS_OFFSETS.receiveTime),
    };
  }

  #receive(type: number, flags: number): QueuedMessage | undefined {
    const room = this.#buffer.length - TYPE_BYTES;
    const length = Number(calls.msgrcv(this.id, this.#buffer, room, type, IPC_NOWAIT | flags));
    if (length === -1 && koffi.errno() === constants.errno.ENOMSG) return undefined;
    checked('msgrcv', length);
    return {
      type: Number(this.#buffer.readBigInt64LE(0)),
      bytes: Buffer.from(this.#buffer.subarray(TYPE_BYTES, TYPE_BYTES + length)),
    };
  }
}

function largestMessage(): number {
  return Math.min(Number(readFileSync('/proc/sys/kernel/msgmax', 'utf8')), MAX_MESSAGE_BYTES);
}

/** A System V message queue of our IPC namespace, as everybody may see it. */
export interface SystemVQueueRow {
  /** Signed 32-bit. */
  readonly key: number;
  readonly creatorUid: number;
}

export function systemVQueues(): SystemVQueueRow[] {
  try {
    const rows = readFileSync('/proc/sysvipc/msg', 'latin1').trim().split('\n').slice(1);
    return rows.map((row) => {
      // key msqid perms cbytes qnum lspid lrpid uid gid cuid cgid …
      const fields = row.trim().split(/\s+/).map(Number);
      return {key: fields[0]!, creatorUid: fields[9]!};
    });
  } catch {
    return [];
  }
}

/** ftok(3) of a file, signed: its least significant bits, so that others may have the same. */
export function fileKeyOf({dev, ino}: {readonly dev: number; readonly ino: number}, project: number): number {
  return ((project & 0xff) << 24) | ((dev & 0xff) << 16) | (ino & 0xffff);
}
