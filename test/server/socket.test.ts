import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {bindPath, closeDescriptor, streamSocket} from '../../src/lib/transport/libc.ts';
import {makePlace, OPEN, type RunningServer, startControlsServer} from '../helpers/controlsServer.ts';
import {ask} from '../helpers/exchange.ts';
import {oracle} from '../helpers/oracle.ts';

const isRoot = process.geteuid!() === 0;
let directory: string;
const running: RunningServer[] = [];

beforeEach(() => {
  directory = makePlace();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
  rmSync(directory, {recursive: true, force: true});
});

/** Starts a server at a path, and leaves the rest to `afterEach`. */
async function serveAt(path: string, lines: readonly string[] = []): Promise<RunningServer> {
  const places = () => [`ControlsSocket ${path}`];
  const server = await startControlsServer([...OPEN, ...lines], {places});
  running.push(server);
  return server;
}

const works = async (path: string) => expect((await ask(path, 'json', 'lsctrl')).status).toBe(0);

describe('the socket', () => {
  const {socket_permissions: permissions} = oracle<{
    socket_permissions: Record<string, Record<string, {after_first_poll: string}>>;
  }>('acl');
  const modeAndOwner = (path: string) => {
    const {mode, uid, gid} = lstatSync(path);
    return `${mode.toString(8)} ${uid}:${gid}`;
  };

  test.runIf(isRoot)('has the mode and the owner it has in ProFTPD, whatever the umask', async () => {
    const umask = process.umask(0o077);
    try {
      const path = join(directory, 's');
      await serveAt(path);
      expect(process.umask()).toBe(0o077);
      expect(modeAndOwner(path)).toBe(permissions['1.3.10rc5']!['default']!.after_first_poll);
      const owned = join(directory, 'owned');
      await serveAt(owned, ['ControlsSocketOwner nobody nogroup']);
      const measured = permissions['1.3.10rc5']!['ControlsSocketOwner_nobody_nogroup']!;
      expect(modeAndOwner(owned)).toBe(measured.after_first_poll);
    } finally {
      process.umask(umask);
    }
  });

  test.runIf(isRoot)('an owner there is not is warned of, and left as it is, as in ProFTPD', async () => {
    const path = join(directory, 's');
    const server = await serveAt(path, ['ControlsSocketOwner no-such-user nogroup']);
    expect(modeAndOwner(path)).toMatch(/:65534$/);
    expect(modeAndOwner(path)).toMatch(/ 0:/);
    const place = expect.stringMatching(
      /proftpd\.conf:\d+: ControlsSocketOwner: no such user: no-such-user, left as it is$/,
    );
    expect(server.warnings).toEqual([place]);
  });

  test('goes when the server goes', async () => {
    const path = join(directory, 's');
    const server = await serveAt(path);
    await server.server.close();
    expect(existsSync(path)).toBe(false);
  });

  test("stays when it is somebody else's by now", async () => {
    const path = join(directory, 's');
    const server = await serveAt(path);
    unlinkSync(path);
    writeFileSync(path, 'mine');
    await server.server.close();
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  test('is not opened with ControlsEngine off, which is said', async () => {
    const path = join(directory, 's');
    const {server, warnings} = await serveAt(path, ['ControlsEngine off']);
    expect(server.socket).toBeNull();
    expect(existsSync(path)).toBe(false);
    expect(warnings).toEqual([
      expect.stringMatching(/^no controls socket: ControlsEngine is off \(.*:\d+\)$/),
    ]);
  });

  test('has a place where none is configured', async () => {
    const server = await startControlsServer(OPEN, {places: () => []});
    running.push(server);
    expect(server.server.socket).toBe(join(server.directory, 'default.sock'));
    await works(server.server.socket!);
  });
});

describe('what stands at the path already', () => {
  function leaveStale(path: string): void {
    const fd = streamSocket();
    bindPath(fd, path);
    closeDescriptor(fd);
  }

  test('the socket of a server that has died is replaced', async () => {
    const path = join(directory, 's');
    leaveStale(path);
    await serveAt(path);
    await works(path);
  });

  test('the socket of a server that lives is left alone', async () => {
    const path = join(directory, 's');
    await serveAt(path);
    await expect(serveAt(path)).rejects.toThrow(/cannot listen at .*: another server listens there/);
    await works(path);
  });

  test('of many that start at once, one gets it', async () => {
    const path = join(directory, 's');
    leaveStale(path);
    const starts = await Promise.allSettled(Array.from({length: 8}, () => serveAt(path)));
    const losers = starts.filter((start) => start.status === 'rejected');
    expect(losers).toHaveLength(7);
    for (const {reason} of losers) expect(String(reason)).toContain('another server listens there');
    await works(path);
  });

  test.each([
    ['not a socket', (path: string) => writeFileSync(path, 'mine')],
    ['a directory', (path: string) => mkdirSync(path)],
    ['a symbolic link', (path: string) => symlinkSync('/nowhere', path)],
  ])('%s is left alone', async (kind, make) => {
    const path = join(directory, 's');
    make(path);
    const {ino} = lstatSync(path);
    await expect(serveAt(path)).rejects.toThrow(`it is there already, and is ${kind}`);
    expect(lstatSync(path).ino).toBe(ino);
  });
});

describe('the directories above', () => {
  const inside = (...names: string[]) => {
    const path = join(directory, ...names);
    mkdirSync(path, {recursive: true});
    return path;
  };
  const refusal = (unsafe: string) => `others may write to the directory ${unsafe}`;

  test('one that everybody may write to is refused, however far up', async () => {
    const unsafe = inside('unsafe');
    const below = inside('unsafe', 'below');
    chmodSync(unsafe, 0o777);
    await expect(serveAt(join(unsafe, 's'))).rejects.toThrow(refusal(unsafe));
    await expect(serveAt(join(below, 's'))).rejects.toThrow(refusal(unsafe));
  });

  test('also where a symbolic link leads on, or is to be found', async () => {
    const unsafe = inside('unsafe');
    const safe = inside('safe');
    chmodSync(unsafe, 0o777);
    symlinkSync(safe, join(unsafe, 'link'));
    symlinkSync(unsafe, join(safe, 'link'));
    await expect(serveAt(join(unsafe, 'link', 's'))).rejects.toThrow(refusal(unsafe));
    await expect(serveAt(join(safe, 'link', 's'))).rejects.toThrow(refusal(join(safe, 'link')));
  });

  test.runIf(isRoot)('one that a group of others may write to is refused, our own group may', async () => {
    const shared = inside('shared');
    chmodSync(shared, 0o775);
    await serveAt(join(shared, 's'));
    chownSync(shared, 0, 65534);
    await expect(serveAt(join(shared, 't'))).rejects.toThrow(refusal(shared));
  });

  test('one with the sticky bit, as /tmp has it, will do', async () => {
    const sticky = inside('sticky');
    chmodSync(sticky, 0o1777);
    await serveAt(join(sticky, 's'));
    await works(join(sticky, 's'));
  });

  test('one that is not there is an error', async () => {
    await expect(serveAt(join(directory, 'no', 's'))).rejects.toThrow('there is no such directory');
  });

  test('a path longer than a socket may have is an error, and not cut', async () => {
    const long = inside('d'.repeat(100));
    await expect(serveAt(join(long, 's'))).rejects.toThrow(/the path has \d+ bytes, and 107 are the most/);
  });
});

describe('the lock that those take who bind the same socket', () => {
  const NOBODY = 65534;

  /** Another user who holds a lock on a file or directory. */
  async function holdLock(path: string): Promise<ChildProcess> {
    const command = ['flock', '--exclusive', path, 'sh', '-c', 'echo held; exec sleep 60'];
    const holder = spawn('setpriv', [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...command]);
    await once(holder.stdout, 'data');
    return holder;
  }

  test.runIf(isRoot)('is none that another user can hold: on the directory', async () => {
    const holder = await holdLock(directory);
    try {
      const path = join(directory, 's');
      const {server} = await serveAt(path);
      unlinkSync(path);
      await server.reload();
      await works(path);
    } finally {
      holder.kill();
    }
  });

  test.runIf(isRoot)('is none that another user has made, which is said', async () => {
    chmodSync(directory, 0o1777);
    const lock = join(directory, 's.lock');
    writeFileSync(lock, '');
    chownSync(lock, NOBODY, NOBODY);
    await expect(serveAt(join(directory, 's'))).rejects.toThrow(`${lock} `);
    expect(lstatSync(lock).uid).toBe(NOBODY);
  });

  test.each([
    ['a symbolic link', (lock: string, target: string) => symlinkSync(target, lock)],
    ['a file that others can read', (lock: string) => writeFileSync(lock, '', {mode: 0o644})],
    ['a directory', (lock: string) => mkdirSync(lock)],
  ])('is not %s', async (_what, make) => {
    const target = join(directory, 'target');
    const lock = join(directory, 's.lock');
    make(lock, target);
    await expect(serveAt(join(directory, 's'))).rejects.toThrow(`${lock} `);
    expect(existsSync(target)).toBe(false);
    expect(lstatSync(lock)).toBeDefined();
  });

  test('leaves nothing behind, whether it was of use or not', async () => {
    const path = join(directory, 's');
    await serveAt(path);
    await expect(serveAt(path)).rejects.toThrow('another server listens there');
    expect(readdirSync(directory)).toEqual(['s']);
  });
});

test('a session queue that cannot be had keeps the server from starting, and nothing stays open', async () => {
  const path = join(directory, 's');
  writeFileSync(join(directory, 'q'), 'mine');
  await expect(serveAt(path, [`MessageQueue ${directory}/q`])).rejects.toThrow(
    /proftpd\.conf:\d+: MessageQueue: .*not a socket/,
  );
  expect(existsSync(path)).toBe(false);
  await serveAt(path);
  await works(path);
});
