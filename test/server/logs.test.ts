import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {afterEach, describe, expect, test} from 'vitest';
import type {SessionMailbox} from '../../src/lib/session/mailbox/mailbox.ts';
import {openMailbox} from '../../src/lib/session/mailbox/processMailbox.ts';
import {
  logLines,
  makePlace,
  OPEN,
  type RunningServer,
  startControlsServer,
  until,
} from '../helpers/controlsServer.ts';
import {ask} from '../helpers/exchange.ts';
import {runProcess} from '../helpers/process.ts';

let running: RunningServer | undefined;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await running?.stop();
  running = undefined;
});

const start = async (...args: Parameters<typeof startControlsServer>) => {
  running = await startControlsServer(...args);
  return running;
};

describe('the ControlsLog', () => {
  const CLOSED = 'closed connection to root/root client';

  test.runIf(process.geteuid!() === 0)('says who has asked for what, and what came of it', async () => {
    const {socket, controlsLog} = await start([...OPEN, 'AdminControlsACLs all deny user *']);
    const closed = (count: number) =>
      until(() => controlsLog().filter((line) => line === CLOSED).length === count);
    await ask(socket, 'json', 'rmctrl', 'lsctrl');
    await closed(1);
    await ask(socket, 'binary', 'nosuch');
    await closed(2);
    await ask(socket, 'json', 'status', 'all');
    await closed(3);
    expect(controlsLog()).toEqual([
      'accepted connection from root/root client',
      "recvd from root/root client: 'rmctrl lsctrl'",
      'sent to root/root client: return value: -5',
      "sent to root/root client: ''lsctrl' control cannot be removed'",
      CLOSED,
      'accepted connection from root/root client',
      "recvd from root/root client: 'nosuch'",
      "sent to root/root client: 'unsupported action requested'",
      CLOSED,
      'accepted connection from root/root client',
      "recvd from root/root client: 'status all'",
      expect.stringMatching(
        /^root\/root client denied: .*proftpd\.conf:10 \(AdminControlsACLs all deny user \*\) denies every user$/,
      ),
      "sent to root/root client: 'access denied'",
      CLOSED,
    ]);
  });

  test('takes no line from a client', async () => {
    const {socket, controlsLog} = await start(OPEN);
    await ask(socket, 'json', 'a\n2026-01-01 00:00:00,000 mod_ctrls/0.9.5[1]: forged', '\u001b[2J');
    await until(() => controlsLog().length >= 3);
    expect(controlsLog()[1]).toContain("'a\\x0a2026-01-01 00:00:00,000 mod_ctrls/0.9.5[1]: forged \\x1b[2J'");
  });
});

describe('the MessageLog', () => {
  const DAVE = {
    pid: 4711,
    user: 'dave',
    address: '127.0.0.1',
    host: 'example.net',
    class: null,
    server: '127.0.0.1#2121',
    engine: true,
  };

  async function connect(queuePath: string, socket: string): Promise<SessionMailbox> {
    const mailbox = openMailbox({queuePath});
    cleanups.push(() => mailbox.close());
    const session = mailbox.register(DAVE);
    while ((await ask(socket, 'json', 'who')).responses[0] === 'no sessions') {}
    return session;
  }

  test('tells of every message who has sent it, and how it has ended', async () => {
    const {socket, queue, messageLog} = await start(OPEN);
    const dave = await connect(queue, socket);
    const send = async () => {
      const {server} = await ask(socket, 'json', 'msg', 'user', 'dave', 'hi');
      return (server!.details as {id: string}).id;
    };
    const first = await send();
    await until(() => dave.pending().length === 1);
    dave.shown([first]);
    await until(() => messageLog().length === 2);
    const second = await send();
    dave.goodbye();
    await until(() => messageLog().length === 4);
    const session = `dave@example.net (session ${dave.id}, pid 4711)`;
    expect(messageLog()).toEqual([
      expect.stringMatching(new RegExp(`^message ${first} from \\w+/\\w+ client to user 'dave': 1 session$`)),
      `message ${first} shown to ${session}`,
      expect.stringMatching(`^message ${second} from`),
      `message ${second} undelivered to ${session}: session ended`,
    ]);
  });

  test('also of those that the server could not hand over when it ended', async () => {
    const {socket, queue, server, directory} = await start(OPEN);
    const dave = await connect(queue, socket);
    // More than the session takes: the last is refused, and the sender is told.
    const answers = [];
    for (let count = 0; count < 33; count++)
      answers.push(await ask(socket, 'json', 'msg', 'all', `hi ${count}`));
    expect(answers.at(-1)).toMatchObject({
      status: -5,
      responses: ['unable to send message: too many messages wait'],
    });
    await server.close();
    const ended = logLines(join(directory, 'message.log')).filter((line) =>
      / (shown|undelivered) to /.test(line),
    );
    expect(ended.at(0)).toContain('too many messages wait for the session');
    // What was handed over may still be on its way to the session.
    await until(() => dave.pending().length + ended.length === 33);
  });
});

describe('where logs are written', () => {
  const logsAt = (controls: string, message: string, ...others: string[]) => ({
    places: (directory: string) => [
      `ControlsSocket ${directory}/ctrls`,
      `ControlsLog ${controls}`,
      `MessageLog ${message}`,
      ...others,
    ],
  });
  let place: string;
  const fresh = () => {
    place = makePlace();
    const made = place;
    cleanups.push(() => rmSync(made, {recursive: true, force: true}));
    return place;
  };

  test('with the mode ProFTPD gives them', async () => {
    fresh();
    await start(OPEN, logsAt(`${place}/c`, `${place}/m`));
    expect((statSync(`${place}/c`).mode & 0o777).toString(8)).toBe('640');
  });

  test.each([
    0o777, 0o1777,
  ])('a ControlsLog in a directory of mode %o keeps the server from starting', async (mode) => {
    chmodSync(fresh(), mode);
    const refused = startControlsServer(OPEN, logsAt(`${place}/c`, 'none'));
    await expect(refused).rejects.toThrow(
      /proftpd\.conf:2: ControlsLog: unable to open .*world-writable directory/,
    );
  });

  test.each([0o777, 0o1777])('a MessageLog in a directory of mode %o is not written', async (mode) => {
    chmodSync(fresh(), mode);
    const {warnings, socket} = await start(OPEN, logsAt('/dev/null', `${place}/m`));
    expect(warnings).toEqual([
      expect.stringMatching(/^MessageLog: unable to open .*world-writable directory$/),
    ]);
    expect((await ask(socket, 'json', 'msg', 'all', 'hi')).status).toBe(0);
    expect(existsSync(`${place}/m`)).toBe(false);
  });

  test('not through a symbolic link, unless AllowLogSymlinks says so', async () => {
    fresh();
    for (const name of ['c', 'm']) symlinkSync(`${place}/target-${name}`, `${place}/${name}`);
    const {warnings, stop} = await start(OPEN, logsAt(`${place}/c`, `${place}/m`));
    expect(warnings).toEqual([
      `ControlsLog: unable to open ${place}/c: it is a symbolic link`,
      `MessageLog: unable to open ${place}/m: it is a symbolic link`,
    ]);
    expect(existsSync(`${place}/target-c`)).toBe(false);
    await stop();
    const {socket} = await start(OPEN, logsAt(`${place}/c`, `${place}/m`, 'AllowLogSymlinks on'));
    await ask(socket, 'json', 'lsctrl');
    await until(() => logLines(`${place}/target-c`).length > 0);
  });

  test.each([
    ['a directory', (path: string) => mkdirSync(path), /EISDIR|illegal operation on a directory/],
    ['in a directory there is not', () => {}, /no such file or directory/],
  ])('a MessageLog that is %s is not written', async (_what, make, why) => {
    fresh();
    const path = make.length === 0 ? `${place}/no/m` : `${place}/m`;
    make(path);
    const {warnings} = await start(OPEN, logsAt('/dev/null', path));
    expect(warnings).toEqual([expect.stringMatching(why)]);
  });

  test('a named pipe is not waited for', async () => {
    await runProcess('mkfifo', [`${fresh()}/m`], {env: {PATH: process.env['PATH']}});
    const {warnings} = await start(OPEN, logsAt('/dev/null', `${place}/m`));
    expect(warnings).toEqual([expect.stringMatching(/^MessageLog: unable to open/)]);
  });

  test('behind what is there already', async () => {
    writeFileSync(`${fresh()}/c`, 'old\n', {mode: 0o600});
    const {socket} = await start(OPEN, logsAt(`${place}/c`, 'none'));
    await ask(socket, 'json', 'lsctrl');
    await until(() => readFileSync(`${place}/c`, 'utf8').includes('closed connection'));
    expect(readFileSync(`${place}/c`, 'utf8')).toMatch(/^old\n2/);
  });
});
