import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import {expect, test} from 'vitest';
import {isUnusedPid, processStatus, socketInode} from '../../../src/lib/transport/processes/proc.ts';
import {tcpCounters} from '../../../src/lib/transport/sockets/tcpCounters.ts';

test('says what a process is', async () => {
  const before = Date.now();
  const script =
    'import signal,time; signal.signal(signal.SIGUSR2, print); print("up", flush=True); time.sleep(60)';
  const child = spawn('python3', ['-c', script], {stdio: ['ignore', 'pipe', 'ignore']});
  await once(child.stdout!, 'data');
  const status = processStatus(child.pid!)!;
  expect(status).toMatchObject({pid: child.pid, parent: process.pid, name: 'python3'});
  expect([status.handles('SIGUSR2'), status.handles('SIGUSR1')]).toEqual([true, false]);
  expect(status.startedAt).toBeGreaterThan(before - 50);
  expect(status.startedAt).toBeLessThan(Date.now() + 50);

  child.kill('SIGSTOP');
  while (processStatus(child.pid!)!.state !== 'T') await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(processStatus(child.pid!)).toBeUndefined();
});

test('a name of blanks and parentheses confuses nothing', async () => {
  const script =
    'import ctypes,time; ctypes.CDLL(None).prctl(15, b") S 1 (x"); print("up", flush=True); time.sleep(60)';
  const child = spawn('python3', ['-c', script], {stdio: ['ignore', 'pipe', 'ignore']});
  await once(child.stdout!, 'data');
  expect(processStatus(child.pid!)).toMatchObject({name: ') S 1 (x', parent: process.pid});
  child.kill();
});

test('knows a pid that nobody has', async () => {
  const child = spawn('sleep', ['60']);
  expect(isUnusedPid(child.pid!)).toBe(false);
  child.kill();
  await once(child, 'exit');
  expect([child.pid!, 2 ** 40].map(isUnusedPid)).toEqual([true, true]);
  expect(socketInode(process.pid, 9999)).toBeUndefined();
});

test('counts the bytes of a connection', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address() as {port: number};
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(port, '127.0.0.1');
  const [peer] = await accepted;
  const inode = socketInode(process.pid, descriptorOf(peer))!;
  const before = tcpCounters().get(inode)!;

  peer.write('x'.repeat(1234));
  client.write('y'.repeat(77));
  await Promise.all([once(client, 'data'), once(peer, 'data')]);
  const after = tcpCounters().get(inode)!;
  expect(after.acknowledged - before.acknowledged).toBe(1234);
  expect(after.received - before.received).toBe(77);
  expect(after.written - before.written).toBe(1234);
  expect(after.read - before.read).toBe(77);

  client.destroy();
  peer.destroy();
  server.close();
});

/** Node tells nobody but itself. */
function descriptorOf(socket: Socket): number {
  return (socket as unknown as {_handle: {fd: number}})._handle.fd;
}
