import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {afterEach, describe, expect, test} from 'vitest';
import type {NameDirectory} from '../../src/lib/acl/names.ts';
import {nameService} from '../../src/lib/transport/nameService.ts';
import {
  logLines,
  OPEN,
  placesIn,
  type RunningServer,
  startControlsServer,
  until,
} from '../helpers/controlsServer.ts';
import {ask} from '../helpers/exchange.ts';

let running: RunningServer;
afterEach(async () => running.stop());

const statusOf = async (...request: [string, ...string[]]) =>
  (await ask(running.socket, 'json', ...request)).status;

describe('a configuration that is right', () => {
  test('its ACLs are in force from then on', async () => {
    running = await startControlsServer(OPEN);
    running.configure(['ControlsSocketACL allow user *', 'ControlsACLs lsctrl allow user *']);
    expect(await statusOf('status', 'all')).toBe(0);
    await running.server.reload();
    expect(await statusOf('status', 'all')).toBe(-2);
    expect(await statusOf('lsctrl')).toBe(0);
    expect(running.warnings).toEqual([]);
  });

  test('names are looked up anew', async () => {
    const known = new Map<string, number>();
    const names: NameDirectory = {...nameService, uid: (name) => known.get(name)};
    running = await startControlsServer(['ControlsSocketACL allow user somebody'], {names});
    expect(await statusOf('help')).toBe(-2);
    known.set('somebody', process.geteuid!());
    await running.server.reload();
    expect(await statusOf('help')).toBe(0);
  });

  test('controls that rmctrl has disabled are back, as after a SIGHUP to ProFTPD', async () => {
    running = await startControlsServer(OPEN);
    await ask(running.socket, 'json', 'rmctrl', 'status');
    expect(await statusOf('status', 'all')).toBe(-7);
    await running.server.reload();
    expect(await statusOf('status', 'all')).toBe(0);
  });

  test('the socket moves', async () => {
    running = await startControlsServer(OPEN);
    const other = join(running.directory, 'other');
    running.configure([`ControlsSocket ${other}`, ...OPEN]);
    await running.server.reload();
    expect(existsSync(running.socket)).toBe(false);
    expect(running.server.socket).toBe(other);
    expect((await ask(other, 'json', 'lsctrl')).status).toBe(0);
  });

  test('the socket goes and comes with ControlsEngine', async () => {
    running = await startControlsServer(OPEN);
    running.configure(['ControlsEngine off', ...OPEN]);
    await running.server.reload();
    expect(existsSync(running.socket)).toBe(false);
    expect(running.warnings).toEqual([expect.stringMatching(/^no controls socket: ControlsEngine is off/)]);
    running.configure(OPEN);
    await running.server.reload();
    expect(await statusOf('lsctrl')).toBe(0);
  });

  test.runIf(process.geteuid!() === 0)(
    'the socket is given to its owner, without a moment of absence',
    async () => {
      running = await startControlsServer(OPEN);
      const {ino} = lstatSync(running.socket);
      running.configure(['ControlsSocketOwner nobody nogroup', ...OPEN]);
      await running.server.reload();
      expect(lstatSync(running.socket)).toMatchObject({ino, uid: 65534, gid: 65534});
    },
  );

  test('a socket that somebody has removed is there again', async () => {
    running = await startControlsServer(OPEN);
    unlinkSync(running.socket);
    await running.server.reload();
    expect(await statusOf('lsctrl')).toBe(0);
    await running.server.close();
    expect(existsSync(running.socket)).toBe(false);
  });

  test('logs are opened anew', async () => {
    running = await startControlsServer(OPEN);
    const log = join(running.directory, 'controls.log');
    await ask(running.socket, 'json', 'lsctrl');
    renameSync(log, `${log}.1`);
    await running.server.reload();
    await ask(running.socket, 'json', 'nosuch');
    await until(() => logLines(log).some((line) => line.includes('nosuch')));
    expect(logLines(`${log}.1`).some((line) => line.includes('lsctrl'))).toBe(true);
    expect(logLines(`${log}.1`).some((line) => line.includes('nosuch'))).toBe(false);
  });

  test('another MessageQueue needs a new start, which is said', async () => {
    running = await startControlsServer(OPEN);
    running.configure([`MessageQueue ${running.directory}/other`, ...OPEN]);
    await running.server.reload();
    expect(running.warnings).toEqual(['MessageQueue has changed: that needs a new start of the server']);
    expect(existsSync(running.queue)).toBe(true);
  });
});

describe('a configuration that is wrong is refused, and the old one stays', () => {
  test.each([
    ['a value', ['ControlsEngine perhaps'], /:6: ControlsEngine: expected on or off/],
    ['a section without an end', ['<Class c>'], /:6: .*Class/],
    ['a section closed with a word too many', ['</IfModule x>'], /:6: <\/IfModule>: too many parameters/],
    [
      'a place for the socket',
      ['ControlsSocket /no/such/directory/s'],
      /:6: ControlsSocket: .*no such directory/,
    ],
  ])('%s', async (_what, lines, message) => {
    running = await startControlsServer(OPEN);
    running.configure(lines);
    await running.server.reload();
    expect(running.warnings).toEqual([expect.stringMatching(/^configuration refused, the old one stays: /)]);
    expect(running.warnings[0]).toMatch(message);
    expect(await statusOf('lsctrl')).toBe(0);
    await until(() => running.controlsLog().includes(running.warnings[0]!));
  });

  test('logs are opened anew all the same', async () => {
    running = await startControlsServer(OPEN);
    const log = join(running.directory, 'controls.log');
    renameSync(log, `${log}.1`);
    running.configure(['ControlsEngine perhaps']);
    await running.server.reload();
    await until(() => logLines(log).some((line) => line.includes('configuration refused')));
  });

  test('a file that is gone', async () => {
    running = await startControlsServer(OPEN);
    renameSync(running.configFile, `${running.configFile}.away`);
    await running.server.reload();
    expect(running.warnings[0]).toMatch(/^configuration refused, the old one stays: .*proftpd\.conf/);
    expect(await statusOf('lsctrl')).toBe(0);
  });
});

describe('a log that cannot be opened anew', () => {
  test.each([
    ['a configuration that is right', OPEN],
    ['one that is refused', ['ControlsEngine perhaps']],
  ])('is written to as before: %s', async (_what, lines) => {
    running = await startControlsServer(OPEN);
    const log = join(running.directory, 'controls.log');
    renameSync(log, `${log}.1`);
    mkdirSync(log);
    running.configure(lines);
    await running.server.reload();
    expect(running.warnings[0]).toMatch(/^ControlsLog: unable to open .*controls\.log: /);
    await ask(running.socket, 'json', 'nosuch');
    await until(() => logLines(`${log}.1`).some((line) => line.includes("'nosuch'")));
  });

  test('of a refused configuration because everybody may write beside it: said, and written to as before', async () => {
    running = await startControlsServer(OPEN, {
      places: (directory) => {
        mkdirSync(join(directory, 'logs'), {recursive: true});
        return [`ControlsSocket ${directory}/ctrls`, `ControlsLog ${directory}/logs/controls.log`];
      },
    });
    const logs = join(running.directory, 'logs');
    chmodSync(logs, 0o777);
    await running.server.reload();
    expect(running.warnings).toEqual([
      expect.stringMatching(/world-writable directory$/),
      expect.stringMatching(/^configuration refused, the old one stays: .*world-writable directory$/),
    ]);
    await ask(running.socket, 'json', 'nosuch');
    await until(() => logLines(join(logs, 'controls.log')).some((line) => line.includes("'nosuch'")));
  });

  test('is closed when none is wanted any more', async () => {
    running = await startControlsServer(OPEN);
    const log = join(running.directory, 'message.log');
    expect(openFiles()).toContain(log);
    writeFileSync(running.configFile, readFileSync(running.configFile, 'utf8').replace(log, 'none'));
    await running.server.reload();
    expect(running.warnings).toEqual([]);
    expect(openFiles()).not.toContain(log);
  });
});

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

describe('a reload and the end', () => {
  test('a server that ends opens nothing any more, however often it is told to read its configuration', async () => {
    running = await startControlsServer(OPEN);
    const closing = running.server.close();
    const reloading = [running.server.reload(), running.server.reload()];
    await Promise.all([closing, ...reloading]);
    await running.server.reload();
    expect(existsSync(running.socket)).toBe(false);
    expect(existsSync(running.queue)).toBe(false);
    expect(running.server.socket).toBeNull();
  });

  test('one that is told to end while it reads its configuration ends all the same', async () => {
    running = await startControlsServer(OPEN);
    running.configure([`ControlsSocket ${running.directory}/other`, ...OPEN]);
    const reloading = [running.server.reload(), running.server.reload()];
    await running.server.close();
    await Promise.all(reloading);
    expect(readdirSync(running.directory).filter((name) => !/\.(log|conf)$/.test(name))).toEqual([]);
  });

  test('of many at once, the last configuration is in force when each of them is done', async () => {
    running = await startControlsServer(OPEN);
    const first = running.server.reload();
    running.configure(['ControlsSocketACL deny user *']);
    const others = Array.from({length: 50}, () => running.server.reload());
    await Promise.all([first, ...others]);
    expect(await statusOf('help')).toBe(-2);
    await until(() => running.controlsLog().some((line) => line.includes('access denied')));
    expect(running.controlsLog().filter((line) => line === 'configuration read again')).toHaveLength(2);
  });
});

test('warnings of a configuration are said at the start, with their place', async () => {
  running = await startControlsServer([...OPEN, 'MessageEngin on']);
  expect(running.warnings).toEqual([expect.stringMatching(/proftpd\.conf:\d+: MessageEngin is not known/)]);
  expect(readFileSync(running.configFile, 'utf8')).toContain(placesIn(running.directory)[0]);
});
