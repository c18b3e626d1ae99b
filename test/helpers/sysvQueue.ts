import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {checked, libc} from '../../src/lib/transport/libc.ts';
import {fileKey, SystemVQueue} from '../../src/lib/transport/systemV.ts';

const msgget = libc.func('int msgget(int key, int flags)');
const msgctl = libc.func('int msgctl(int queue, int command, void *status)');
const IPC_CREAT = 0o1000;
const IPC_RMID = 0;

/** A queue as mod_msg makes one, with a file of its own. */
export interface TestQueue {
  readonly file: string;
  readonly key: number;
  readonly queue: SystemVQueue;
  remove(): void;
}

export function makeQueue(): TestQueue {
  const directory = mkdtempSync('/tmp/sysv-');
  const file = join(directory, 'queue');
  writeFileSync(file, '');
  const key = fileKey(file, 0xf6);
  checked('msgget', msgget(key, IPC_CREAT | 0o666));
  const queue = SystemVQueue.open(key)!;
  return {
    file,
    key,
    queue,
    remove: () => {
      msgctl(queue.id, IPC_RMID, null);
      rmSync(directory, {recursive: true, force: true});
    },
  };
}
