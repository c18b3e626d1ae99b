import {getSystemErrorMap} from 'node:util';

/** What a failed system call says, in words, without its code and its path: `no such file or directory`. */
export function reasonOf(error: unknown): string {
  const {errno, message} = error as NodeJS.ErrnoException;
  return (errno !== undefined && getSystemErrorMap().get(errno)?.[1]) || message;
}
