import {getSystemErrorMap} from 'node:util';

/** What a failed system call says, in words: `no such file or directory`. */
export function reasonOf({errno, message}: NodeJS.ErrnoException): string {
  return (errno !== undefined && getSystemErrorMap().get(errno)?.[1]) || message;
}
