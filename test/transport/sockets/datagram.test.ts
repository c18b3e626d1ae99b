import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {build} from 'esbuild';
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';
import {
  type ConnectResult,
  DatagramReceiver,
  DatagramSender,
  isListening,
  MAX_DATAGRAM_BYTES,
} from '../../../src/lib/transport/sockets/datagram.ts';
import {MAX_SOCKET_PATH_BYTES} from '../../../src/lib/transport/sockets/socketFile.ts';
import {eventLoopRests} from '../../helpers/eventLoop.ts';
import {runProcess} from '../../helpers/process.ts';
import {spawnTs, type TsProcess} from '../../helpers/spawnTs.ts';

const CHILD = join(import.meta.dirname, 'datagramChild.ts');
const NOBODY = 65534;
const isRoot = process.getuid!() === 0;

let directory: string;
let path: string;
const open: {close(): void}[] = [];
const children: TsProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'datagram-'));
  path = join(directory, 'queue');
});

afterEach(async () => {
  for (const it of open.splice(0)) it.close();
  for (const it of children.splice(0)) await it.kill();
  rmSync(directory, {recursive: true, force: true});
});

function receive(at = path, received: string[] = []): {receiver: DatagramReceiver; received: string[]} {
  const receiver = DatagramReceiver.bind(at, (bytes) => received.push(bytes.toString()));
  open.push(receiver);
  return {receiver, received};
}

function connect(onWritable = () => {}, trusts = (_uid: number) => true): DatagramSender {
  const result = DatagramSender.connect(path, {trusts, onWritable});
  if (result.kind !== 'connected') throw new Error(describeResult(result));
  open.push(result.sender);
  return result.sender;
}

function describeResult(result: ConnectResult): string {
  return 'cause' in result ? result.cause.message : result.kind;
}

function tryConnect(trusts = (_uid: number) => true): string {
  const result = DatagramSender.connect(path, {trusts, onWritable: () => {}});
  if (result.kind === 'connected') result.sender.close();
  return describeResult(result);
}

function fill(sender: DatagramSender, bytes = 1): number {
  for (let sent = 0; sent < 1000; sent++) if (sender.send(Buffer.alloc(bytes)).kind === 'full') return sent;
  throw new Error('never full');
}

async function spawnChild(...args: string[]): Promise<TsProcess> {
  const child = await spawnTs(CHILD, args);
  children.push(child);
  return child;
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

describe('bind', () => {
  it("makes the socket its owner's alone, whatever the umask, and removes it at the end", () => {
    const umask = process.umask(0);
    try {
      const {receiver} = receive();
      expect(lstatSync(path).mode & 0o777).toBe(0o600);
      expect(process.umask()).toBe(0);
      receiver.close();
      expect(existsSync(path)).toBe(false);
    } finally {
      process.umask(umask);
    }
  });

  it('takes the longest path there is, and refuses a longer one', () => {
    const longest = join(directory, 'x'.repeat(MAX_SOCKET_PATH_BYTES - directory.length - 1));
    receive(longest);
    expect(existsSync(longest)).toBe(true);
    expect(() => receive(`${longest}y`)).toThrow(expect.objectContaining({code: 'SOCKET_PATH_TOO_LONG'}));
    expect(readdirSync(directory)).toHaveLength(1);
  });

  it('replaces the socket that a process of ours left when it was killed', async () => {
    const child = await spawnChild('receive', path);
    await child.next();
    await child.kill();
    expect(existsSync(path)).toBe(true);
    const {received} = receive();
    connect().send(Buffer.from('hello'));
    await vi.waitFor(() => expect(received).toEqual(['hello']));
  });

  it('leaves a socket alone that somebody listens at', () => {
    receive();
    expect(() => receive()).toThrow(/another process listens there/);
    expect(isListening(path)).toBe(true);
  });

  it('leaves a file alone that is not a socket', () => {
    writeFileSync(path, 'mine');
    expect(() => receive()).toThrow(/not a socket/);
    expect(existsSync(path)).toBe(true);
  });

  it.runIf(isRoot)("leaves another user's socket alone, dead or not", async () => {
    chmodSync(directory, 0o1777);
    const child = await spawnTs(join(import.meta.dirname, 'strangerChild.ts'), [path, String(NOBODY)]);
    children.push(child);
    await child.next();
    expect(() => receive()).toThrow(`belongs to uid ${NOBODY}`);
    await child.kill();
    expect(() => receive()).toThrow(`belongs to uid ${NOBODY}`);
  });

  it('wants a directory where not everybody can replace its socket', () => {
    chmodSync(directory, 0o777);
    expect(() => receive()).toThrow(expect.objectContaining({code: 'SOCKET_DIRECTORY'}));
    chmodSync(directory, 0o1777);
    expect(() => receive()).not.toThrow();
  });

  it('says so when the directory is not there, or is none', () => {
    expect(() => receive(join(directory, 'none', 'queue'))).toThrow(/ENOENT/);
    writeFileSync(path, '');
    expect(() => receive(join(path, 'queue'))).toThrow(/ENOTDIR/);
  });

  it('does not remove a socket that has taken its place', () => {
    const {receiver} = receive();
    rmSync(path);
    receive();
    receiver.close();
    expect(isListening(path)).toBe(true);
  });

  it('leaves no descriptor behind, refused or closed, however often it is closed', async () => {
    const before = descriptors();
    const {receiver} = receive();
    expect(() => receive()).toThrow();
    receiver.close();
    receiver.close();
    expect(tryConnect()).toBe('gone');
    expect(descriptors()).toBe(before);
  });
});

describe('connect', () => {
  it('finds nobody where there is no file, and where nobody listens any more', async () => {
    expect(tryConnect()).toBe('gone');
    const child = await spawnChild('receive', path);
    await child.next();
    await child.kill();
    expect(tryConnect()).toBe('gone');
    expect(isListening(path)).toBe(false);
  });

  it('refuses what is no socket, a link to one, and the wrong kind of socket', async () => {
    mkdirSync(path);
    expect(tryConnect()).toBe('it is not a socket');
    rmSync(path, {recursive: true});
    receive(join(directory, 'real'));
    symlinkSync('real', path);
    expect(tryConnect()).toBe('it is not a socket');
    rmSync(path);
    const stream = createServer();
    await new Promise<void>((resolve) => {
      stream.listen(path, resolve);
    });
    expect(tryConnect()).toBe('EPROTOTYPE: protocol wrong type for socket');
    await new Promise((resolve) => {
      stream.close(resolve);
    });
  });

  it('asks whose socket it is', () => {
    receive();
    const uid = process.geteuid!();
    expect(tryConnect((owner) => owner !== uid)).toBe(`it belongs to uid ${uid}`);
  });

  it.runIf(isRoot)('is denied to another user by the kernel', async () => {
    chmodSync(directory, 0o755);
    receive();
    const child = await spawnChild('send', path, String(NOBODY));
    expect(await child.next()).toBe('EACCES: permission denied');
  });
});

describe('send', () => {
  it('keeps datagrams whole and in order', async () => {
    const {received} = receive();
    const sender = connect();
    for (const text of ['', 'one', 'zwölf', 'x'.repeat(MAX_DATAGRAM_BYTES)]) {
      expect(sender.send(Buffer.from(text))).toEqual({kind: 'sent'});
    }
    await vi.waitFor(() => expect(received).toEqual(['', 'one', 'zwölf', 'x'.repeat(MAX_DATAGRAM_BYTES)]));
  });

  it('refuses a datagram that the reader could not take whole', () => {
    receive();
    expect(connect().send(Buffer.alloc(MAX_DATAGRAM_BYTES + 1))).toMatchObject({kind: 'failed'});
  });

  it('says when the peer is full, and once when there is room again', async () => {
    const {received} = receive();
    const woken = vi.fn();
    const sender = connect(woken);
    const sent = fill(sender);
    expect(sent).toBeGreaterThan(0);
    expect(sender.send(Buffer.from('too early'))).toEqual({kind: 'full'});
    await vi.waitFor(() => expect(woken).toHaveBeenCalledOnce());
    expect(sender.send(Buffer.from('last'))).toEqual({kind: 'sent'});
    await vi.waitFor(() => expect(received).toHaveLength(sent + 1));
    expect(received.at(-1)).toBe('last');
    expect(woken).toHaveBeenCalledOnce();
  });

  it.each([
    1,
    MAX_DATAGRAM_BYTES,
  ])('does not spin while a stopped peer is full of datagrams of %i bytes', async (bytes) => {
    const child = await spawnChild('receive', path);
    await child.next();
    child.child.kill('SIGSTOP');
    const woken = vi.fn();
    const sender = connect(woken);
    const sent = fill(sender, bytes);
    await eventLoopRests();
    expect(woken).not.toHaveBeenCalled();
    child.child.kill('SIGCONT');
    await vi.waitFor(() => expect(woken).toHaveBeenCalledOnce());
    expect(sender.send(Buffer.from('last')).kind).toBe('sent');
    await vi.waitFor(async () => expect(await child.ask('count')).toBe(sent + 1));
  });

  it('does not spin while others take all the room there is', async () => {
    const {received} = receive();
    const woken = vi.fn(() => {
      const other = connect();
      fill(other);
      other.close();
      expect(sender.send(Buffer.from('late'))).toEqual({kind: 'full'});
    });
    const sender = connect(woken);
    fill(sender);
    await vi.waitFor(() => expect(woken.mock.calls.length).toBeGreaterThan(1));
    await eventLoopRests();
    woken.mockImplementation(() => {
      expect(sender.send(Buffer.from('at last'))).toEqual({kind: 'sent'});
    });
    await vi.waitFor(() => expect(received.at(-1)).toBe('at last'), 3000);
  });

  it('finds out that the peer has died, full or not, and stays calm', async () => {
    const child = await spawnChild('receive', path);
    await child.next();
    child.child.kill('SIGSTOP');
    const woken = vi.fn();
    const sender = connect(woken);
    fill(sender);
    await child.kill();
    await vi.waitFor(() => expect(woken).toHaveBeenCalledOnce());
    expect(sender.send(Buffer.from('x'))).toEqual({kind: 'gone'});
    expect(sender.send(Buffer.from('x'))).toEqual({kind: 'gone'});
    await eventLoopRests();
  });

  it('may be closed twice, while it is full, and from within the wake-up', async () => {
    const before = descriptors();
    const {receiver} = receive();
    const full = connect();
    fill(full);
    full.close();
    full.close();
    expect(full.send(Buffer.from('x'))).toEqual({kind: 'gone'});
    const woken = vi.fn(() => inside.close());
    const inside = connect(woken);
    fill(inside);
    await vi.waitFor(() => expect(woken).toHaveBeenCalledOnce());
    receiver.close();
    expect(descriptors()).toBe(before);
  });
});

it('says what to install when unix-dgram is missing', async () => {
  // Outside the checkout nothing finds the package.
  const program = join(directory, 'program.mjs');
  const source = join(import.meta.dirname, '../../../src/lib/transport/sockets/datagram.ts');
  await build({
    stdin: {
      contents: `import {DatagramReceiver} from ${JSON.stringify(source)};
        try { DatagramReceiver.bind(process.argv[2], () => {}) } catch ({code, hint}) { console.log(code, hint) }`,
      resolveDir: directory,
    },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  const {stdout} = await runProcess(process.execPath, [program, path], {env: {}});
  expect(stdout).toMatch(/^UNIX_DGRAM_MISSING npm install unix-dgram: it is compiled/);
});
