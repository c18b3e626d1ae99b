import {constants} from 'node:os';
import {checked, closeDescriptor, koffi, libc} from '../libc.ts';

/**
 * System call numbers; the same on every architecture that Node runs on (Linux 5.3 and later). glibc has functions for
 * them from 2.36 on only.
 */
const PIDFD_OPEN = 434;
const PIDFD_SEND_SIGNAL = 424;

const POLLIN = 1;
const POLLFD_BYTES = 8;

const calls = {
  syscall: libc.func('int syscall(long number, ...)'),
  poll: libc.func('int poll(_Inout_ uint8_t *descriptors, unsigned long count, int timeout)'),
};

/**
 * A process that stays the same one, whoever gets its pid after it: a signal sent through this reaches that process or
 * nobody.
 */
export class ProcessHandle {
  readonly pid: number;
  readonly fd: number;

  private constructor(pid: number, fd: number) {
    this.pid = pid;
    this.fd = fd;
  }

  /** @returns `undefined` when there is no such process. @throws SystemCallError `ENOSYS`, `EMFILE`, … */
  static open(pid: number): ProcessHandle | undefined {
    const fd: number = calls.syscall(PIDFD_OPEN, 'int', pid, 'unsigned int', 0);
    if (fd === -1 && koffi.errno() === constants.errno.ESRCH) return undefined;
    return new ProcessHandle(pid, checked('pidfd_open', fd));
  }

  /** @returns whether the process was still there. @throws SystemCallError `EPERM` */
  signal(signal: NodeJS.Signals): boolean {
    return this.#send(constants.signals[signal]);
  }

  /** Whether the process is there, if we may signal it. @throws SystemCallError `EPERM` */
  maySignal(): boolean {
    return this.#send(0);
  }

  #send(number: number): boolean {
    const result: number = calls.syscall(
      PIDFD_SEND_SIGNAL,
      ...['int', this.fd, 'int', number, 'void *', null, 'unsigned int', 0],
    );
    if (result === -1 && koffi.errno() === constants.errno.ESRCH) return false;
    checked('pidfd_send_signal', result);
    return true;
  }

  /** Whether the process has ended; a zombie has. */
  hasEnded(): boolean {
    const descriptor = Buffer.alloc(POLLFD_BYTES);
    descriptor.writeInt32LE(this.fd, 0);
    descriptor.writeInt16LE(POLLIN, 4);
    for (;;) {
      const ready: number = calls.poll(descriptor, 1, 0);
      // A signal to us in this very moment, such as a terminal's change of size: poll(2) fails though it need not wait.
      if (ready === -1 && koffi.errno() === constants.errno.EINTR) continue;
      return checked('poll', ready) > 0;
    }
  }

  close(): void {
    closeDescriptor(this.fd);
  }
}
