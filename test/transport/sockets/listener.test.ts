import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, it} from 'vitest';
import {closeDescriptor, connectPath, streamSocket} from '../../../src/lib/transport/libc.ts';
import {type Listener, listenAt} from '../../../src/lib/transport/sockets/listener.ts';

let directory: string;
let path: string;
let listener: Listener | undefined;
let left: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'listener-'));
  path = join(directory, 'socket');
});

afterEach(async () => {
  left = 0;
  await listener?.close();
  rmSync(directory, {recursive: true});
});

/** A client that hangs up at once, and is followed by another while any are left. */
function connectAndClose(): void {
  if (left-- <= 0) return;
  const fd = streamSocket();
  connectPath(fd, path);
  closeDescriptor(fd);
}

/** How many clients were seen in each turn of the event loop that saw any, until all were. */
async function seenInTurns(clients: number, isTaken: boolean): Promise<number[]> {
  left = clients;
  const turns: number[] = [];
  let seen = 0;
  listener = listenAt(path, {
    accepts() {
      seen++;
      // The next one is in the backlog before this one is done with: it never becomes empty.
      connectAndClose();
      return isTaken;
    },
    onConnection: ({socket}) => void socket.destroy(),
  });
  connectAndClose();
  for (let all = 0; all < clients; all += seen) {
    seen = 0;
    await new Promise(setImmediate);
    if (seen > 0) turns.push(seen);
  }
  return turns;
}

it('takes some clients, then lets everything else have its turn, however many come one after the other', async () => {
  expect(await seenInTurns(200, true)).toEqual([64, 64, 64, 8]);
});

it('looks at more of those that it does not take, and not without end', async () => {
  expect(await seenInTurns(3000, false)).toEqual([1024, 1024, 952]);
});
