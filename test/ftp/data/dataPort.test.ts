import {once} from 'node:events';
import {connect, createServer, type Server, type Socket} from 'node:net';
import {describe, expect, onTestFinished, test} from 'vitest';
import {
  ActivePort,
  isIPv6,
  isLoopback,
  isWildcard,
  PassivePort,
  parseAddress,
  plainAddress,
} from '../../../src/lib/ftp/data/dataPort.ts';

const CLIENT = '127.0.0.1';
const never = new AbortController().signal;

async function passive(): Promise<PassivePort> {
  const port = await PassivePort.listen('127.0.0.1', CLIENT);
  onTestFinished(() => port.close());
  return port;
}

function come(port: number, localAddress = CLIENT): Socket {
  const socket = connect({host: '127.0.0.1', port, localAddress}).on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

function isTheSame(server: Socket, client: Socket): void {
  expect([server.remotePort, server.localPort]).toEqual([client.localPort, client.remotePort]);
  server.destroy();
}

describe('a passive port', () => {
  test('is for the client that comes before the transfer, or after it has begun', async () => {
    for (const isEarly of [true, false]) {
      const port = await passive();
      const opened = isEarly ? undefined : port.open(never);
      const client = come(port.port);
      await once(client, 'connect');
      await new Promise(setImmediate);
      isTheSame(await (opened ?? port.open(never)), client);
    }
  });

  test('is not for a client of another address, which is hung up on; then the right one may come', async () => {
    const port = await passive();
    const opened = port.open(never);
    const stranger = come(port.port, '127.0.0.2');
    await once(stranger.resume(), 'close');
    const client = come(port.port);
    await once(client, 'connect');
    isTheSame(await opened, client);
  });

  test('takes one connection: then nobody listens there any more', async () => {
    const port = await passive();
    const {port: number} = port;
    come(number);
    (await port.open(never)).destroy();
    const second = come(number);
    const [error] = await once(second, 'error');
    expect(error.code).toBe('ECONNREFUSED');
  });

  test('that is waited for in vain gives up with the reason, and is not the next one’s', async () => {
    const port = await passive();
    const controller = new AbortController();
    const opened = port.open(controller.signal);
    const reason = new Error('stalled');
    controller.abort(reason);
    await expect(opened).rejects.toBe(reason);
    await expect(port.open(controller.signal)).rejects.toBe(reason);
    const client = come(port.port);
    await once(client, 'connect');
    isTheSame(await port.open(never), client);
  });

  test('that is closed hangs up on who has come', async () => {
    const port = await passive();
    const client = come(port.port);
    await once(client, 'connect');
    await new Promise(setImmediate);
    port.close();
    await once(client.resume(), 'close');
  });

  test('hands its connection over: closing the port then leaves it open', async () => {
    const port = await passive();
    const client = come(port.port);
    const socket = await port.open(never);
    port.close();
    socket.end('data');
    const [data] = await once(client, 'data');
    expect(String(data)).toBe('data');
  });
});

describe('an active port', () => {
  async function listener(): Promise<{server: Server; port: number}> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return {server, port: (server.address() as {port: number}).port};
  }

  test('connects from the address that the client called', async () => {
    const {server, port} = await listener();
    const accepted = once(server, 'connection');
    const socket = await new ActivePort('127.0.0.3', '127.0.0.1', port).open(never);
    const [client] = (await accepted) as [Socket];
    expect(client.remoteAddress).toBe('127.0.0.3');
    isTheSame(socket, client);
    client.destroy();
  });

  test('where nobody listens fails with the system’s error', async () => {
    const {server, port} = await listener();
    await new Promise((done) => server.close(done));
    await expect(new ActivePort('127.0.0.1', '127.0.0.1', port).open(never)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });

  test('gives up with the reason, before it begins and while it connects', async () => {
    const {port} = await listener();
    const active = new ActivePort('127.0.0.1', '127.0.0.1', port);
    const reason = new Error('ABOR');
    await expect(active.open(AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const opened = active.open(controller.signal);
    controller.abort('a word');
    await expect(opened).rejects.toThrow('a word');
  });

  test('that is open is not closed by the signal: its transfer decides', async () => {
    const {server, port} = await listener();
    const accepted = once(server, 'connection');
    const controller = new AbortController();
    const socket = await new ActivePort('127.0.0.1', '127.0.0.1', port).open(controller.signal);
    controller.abort();
    expect(socket.destroyed).toBe(false);
    socket.destroy();
    ((await accepted)[0] as Socket).destroy();
  });
});

describe('addresses', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['127.1', null],
    ['2130706433', null],
    ['0x7f.0.0.1', null],
    ['localhost', null],
    ['', null],
  ])('%j from a client is %j', (text, address) => {
    expect(parseAddress(text)).toBe(address);
  });

  test('are compared without their zone', () => {
    expect(plainAddress('fe80::1%eth0')).toBe('fe80::1');
    expect(plainAddress('::ffff:127.0.0.1')).toBe('127.0.0.1');
  });

  test.each([
    ['127.0.0.1', true, false, false],
    ['127.255.0.9', true, false, false],
    ['::1', true, false, true],
    ['0.0.0.0', false, true, false],
    ['::', false, true, true],
    ['192.0.2.1', false, false, false],
  ])('%s: loopback %s, wildcard %s, IPv6 %s', (address, loopback, wildcard, ipv6) => {
    expect([isLoopback(address), isWildcard(address), isIPv6(address)]).toEqual([loopback, wildcard, ipv6]);
  });
});
