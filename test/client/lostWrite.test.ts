import {afterEach, expect, test, vi} from 'vitest';
import {ControlsClient} from '../../src/lib/client/client.ts';
import {SystemCallError} from '../../src/lib/transport/libc.ts';
import {speak} from '../helpers/behaviours.ts';
import {type ScriptedServer, startScriptedServer} from '../helpers/scriptedServer.ts';

/** Writes that are to fail, by the name of their `errno`. */
const failures: string[] = [];

vi.mock('../../src/lib/transport/libc.ts', async (importOriginal) => {
  const libc = await importOriginal<typeof import('../../src/lib/transport/libc.ts')>();
  return {
    ...libc,
    sendWhole(fd: number, bytes: Buffer) {
      const code = failures.shift();
      if (code !== undefined) throw new SystemCallError('send', code);
      libc.sendWhole(fd, bytes);
    },
  };
});

let server: ScriptedServer;
afterEach(async () => {
  failures.length = 0;
  await server.stop();
});

test.each([
  ['EPIPE'],
  ['EPIPE', 'ECONNRESET', 'EPIPE'],
])('a poll between connect and write, which closes the connection first, is tried again: %s %s %s', async (...codes) => {
  failures.push(...codes);
  server = await startScriptedServer(speak('json', {status: 0, responses: ['message sent']}));
  const client = new ControlsClient({socket: server.socket, cache: null, timeout: 5000});
  expect((await client.message(['all'], 'hi')).responses).toEqual(['message sent']);
  expect(server.executed).toHaveLength(1);
});
