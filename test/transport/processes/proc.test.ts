import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import {expect, test} from 'vitest';
import {
  hasOtherMount,
  isRunning,
  isUnusedPid,
  listeningSockets,
  processStat,
  processStatus,
  sharesNamespace,
  socketInode,
} from '../../../src/lib/transport/processes/proc.ts';
import {tcpCounters} from '../../../src/lib/transport/sockets/socketDiag.ts';

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

test('a process runs until it has ended, whether anybody has waited for it or not', async () => {
  // What sh becomes waits for nobody.
  const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'], {stdio: ['ignore', 'pipe', 2]});
  try {
    const [text] = await once(parent.stdout!, 'data');
    const pid = Number(text);
    const {startTicks} = processStat(pid)!;
    expect(isRunning({pid, startTicks})).toBe(true);
    expect(isRunning({pid, startTicks: startTicks + 1})).toBe(false);
    await expect.poll(() => processStat(parent.pid!)?.name).toBe('sleep');
    process.kill(pid);
    await expect.poll(() => processStat(pid)?.state).toBe('Z');
    expect(isRunning({pid, startTicks})).toBe(false);
  } finally {
    parent.kill();
    await once(parent, 'exit');
  }
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

test('finds what a process listens on, here and in a network of its own', async () => {
  const script = [
    'import socket,time',
    'servers = [socket.create_server((host, 0), family=family) for host, family in SERVERS]',
    'print(*[server.getsockname()[1] for server in servers], flush=True)',
    'time.sleep(60)',
  ].join('\n');
  const both = '[("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)]';
  // No loopback interface is up in a new one.
  const any = '[("0.0.0.0", socket.AF_INET)]';
  const cases = [['python3', '-c', script.replace('SERVERS', both)]];
  if (process.getuid?.() === 0)
    cases.push(['unshare', '-n', 'python3', '-c', script.replace('SERVERS', any)]);
  for (const [command, ...args] of cases) {
    const child = spawn(command!, args, {stdio: ['ignore', 'pipe', 'ignore']});
    const [line] = await once(child.stdout!, 'data');
    const ports = String(line).trim().split(' ').map(Number);
    const found = listeningSockets(child.pid!).flatMap((socket) =>
      socket.kind === 'tcp' ? [socket.port] : [],
    );
    expect(found).toEqual(expect.arrayContaining(ports));
    child.kill();
  }
});

/** Node tells nobody but itself. */
function descriptorOf(socket: Socket): number {
  return (socket as unknown as {_handle: {fd: number}})._handle.fd;
}

const isRoot = process.geteuid?.() === 0;

test.skipIf(!isRoot)('anybody may know whether a process sees the same files', async () => {
  const child = spawn('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt && echo up && exec sleep 60']);
  await once(child.stdout, 'data');
  try {
    process.seteuid!(65534);
    expect(sharesNamespace(child.pid!, 'mnt')).toBe(false);
    expect(sharesNamespace(1, 'mnt')).toBe(true);
    expect(hasOtherMount(child.pid!, '/mnt/some')).toBe(true);
    expect(hasOtherMount(child.pid!, '/mnts')).toBe(false);
    expect(hasOtherMount(1, '/mnt')).toBe(false);
  } finally {
    process.seteuid!(0);
    child.kill();
  }
});
