import {writeFileSync} from 'node:fs';
import {connect as connectTo} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {deliver} from '../../../src/lib/proftpd/delivery/deliver.ts';
import {DeliveryQueue} from '../../../src/lib/proftpd/delivery/deliveryQueue.ts';
import type {ReceiptState} from '../../../src/lib/proftpd/delivery/receiptEvidence.ts';
import {Receipts} from '../../../src/lib/proftpd/delivery/receipts.ts';
import {sessionsOf} from '../../../src/lib/proftpd/sessions/list.ts';
import type {ScoreboardSession} from '../../../src/lib/scoreboard/scoreboard.ts';
import type {FtpSession} from '../../helpers/ftpSession.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../../helpers/proftpd.ts';
import {sessionSource} from '../../helpers/sessionSource.ts';

/** What a client does after its session has taken the message. @returns all it was told */
type Behaviour = (client: FtpSession, pid: number) => Promise<string[]>;

const says =
  (...lines: readonly string[]): Behaviour =>
  async (client) => {
    const replies: string[] = [];
    for (const line of lines) replies.push(...(await client.command(line)));
    return replies;
  };

/** A transfer in passive mode whose data connection stays open for a while. */
const transfers =
  (line: string, milliseconds: number): Behaviour =>
  async (client) => {
    const [pasv] = (await client.command('PASV')) as [string];
    const numbers = pasv.match(/\d+/g)!.map(Number);
    const data = connectTo(numbers[5]! * 256 + numbers[6]!, '127.0.0.1');
    data.resume().on('error', () => {});
    const first = await client.command(line);
    await sleep(milliseconds);
    data.end('text');
    return [pasv, ...first, ...(first[0]!.startsWith('1') ? await client.reply() : [])];
  };

/** Whether the client is shown the message. */
const BEHAVIOURS: Readonly<Record<string, {readonly shown: boolean; readonly act: Behaviour}>> = {
  'says nothing': {shown: false, act: async () => []},
  'hangs up': {shown: false, act: async (client) => client.close().then(() => [])},
  PASV: {shown: false, act: says('PASV')},
  EPSV: {shown: false, act: says('EPSV')},
  'EPSV ALL': {shown: false, act: says('EPSV ALL')},
  'PASV six times': {shown: false, act: says('PASV', 'PASV', 'PASV', 'PASV', 'PASV', 'PASV')},
  STOU: {shown: false, act: transfers('STOU', 0)},
  'STOU, for long': {shown: false, act: transfers('STOU', 700)},
  QUIT: {shown: false, act: says('QUIT')},
  'PASV, then QUIT': {shown: false, act: says('PASV', 'QUIT')},
  'is killed': {
    shown: false,
    act: async (_client, pid) => {
      process.kill(pid, 'SIGKILL');
      return [];
    },
  },
  NOOP: {shown: true, act: says('NOOP')},
  'PASV, then NOOP': {shown: true, act: says('PASV', 'NOOP')},
  FEAT: {shown: true, act: says('FEAT')},
  STAT: {shown: true, act: says('STAT')},
  HELP: {shown: true, act: says('HELP')},
  PWD: {shown: true, act: says('PWD')},
  'a wrong directory': {shown: true, act: says('CWD /nosuch')},
  'an unknown command': {shown: true, act: says('XYZZY')},
  LIST: {shown: true, act: transfers('LIST', 0)},
  STOR: {shown: true, act: transfers('STOR receipts', 0)},
  'STOR, for long': {shown: true, act: transfers('STOR receipts-long', 700)},
  'NOOP twice': {shown: true, act: says('NOOP', 'NOOP')},
};

describeWithPeer(whyNoProftpd(), 'receipts of sessions of a real ProFTPD', () => {
  let proftpd: RealProftpd;
  let queue: DeliveryQueue;
  beforeAll(async () => {
    proftpd = await startProftpd({directives: ['MaxInstances none', 'DisplayQuit quit']});
    // A farewell longer than any message: no message is in it.
    for (const user of ['dave', 'alice']) {
      writeFileSync(join(proftpd.directory, 'home', user, 'quit'), `${'bye '.repeat(20)}\n`.repeat(20));
    }
    queue = DeliveryQueue.open(proftpd.queueKey, proftpd.pid)!;
  });
  afterAll(async () => {
    queue?.close();
    await proftpd?.stop();
  });

  const slots = () => sessionsOf(sessionSource(proftpd));

  /** A client, and its session. */
  async function connect(user?: string): Promise<{client: FtpSession; session: ScoreboardSession}> {
    const before = new Set(slots().map(({pid}) => pid));
    const client = await proftpd.session(user);
    for (;;) {
      const session = slots().find(({pid, protocol}) => !before.has(pid) && protocol !== '');
      if (session !== undefined) return {client, session};
      await sleep(5);
    }
  }

  it.each([
    ['a short text', 'short', true],
    ['a long text', `long ${'x'.repeat(300)}`, true],
    ['a long text, without a scoreboard', `long ${'x'.repeat(300)}`, false],
  ])('%s is never called shown that was not', async (_name, text, hasScoreboard) => {
    const clients = new Map<string, {client: FtpSession; session: ScoreboardSession}>();
    for (const name of Object.keys(BEHAVIOURS)) clients.set(name, await connect('dave'));
    const receipts = new Receipts<ScoreboardSession>([text], hasScoreboard ? slots : () => undefined);
    const sessions = [...clients.values()].map(({session}) => session);
    await deliver(proftpd.pid, queue, [text], sessions, {
      audit: () => {},
      onTaken: (taken) => receipts.add(taken),
    });
    expect(receipts.pending).toBe(sessions.length);
    // A second later, begin_idle can be seen to move.
    await sleep(1100);

    const states = new Map<number, ReceiptState>();
    const watching = (async () => {
      for await (const {session, state} of receipts.changes({timeoutMs: 2000}))
        states.set(session.pid, state);
    })();
    const told = await Promise.all(
      [...clients].map(async ([name, {client, session}]) => {
        const replies = await BEHAVIOURS[name]!.act(client, session.pid);
        if (name === 'QUIT') expect(replies.length).toBeGreaterThanOrEqual(20);
        return [name, replies.some((line) => line.includes(text))] as const;
      }),
    );
    await watching;

    const wanted = Object.entries(BEHAVIOURS).map(([name, {shown}]) => [name, shown]);
    expect(told).toEqual(wanted);
    const verdicts = [...clients].map(
      ([name, {session}]) => [name, states.get(session.pid) ?? 'taken'] as const,
    );
    for (const [name, state] of verdicts) {
      if (!BEHAVIOURS[name]!.shown) expect([name, state]).not.toEqual([name, 'shown']);
    }
    const isEnding = (name: string) => /QUIT|killed|hangs/.test(name);
    for (const [name, state] of verdicts) if (isEnding(name)) expect([name, state]).toEqual([name, 'ended']);
    // What can be told apart is.
    const shown = verdicts.filter(([name]) => BEHAVIOURS[name]!.shown && !isEnding(name));
    if (text.length > 100) expect(shown.filter(([, state]) => state !== 'shown')).toEqual([]);
    // An unknown command moves nothing in the scoreboard, and its reply is as short as another's.
    const unseen = shown.filter(([, state]) => state !== 'shown' && state !== 'probably shown');
    if (text.length < 100) expect(unseen).toEqual([['an unknown command', 'taken']]);
    await Promise.all([...clients.values()].map(({client}) => client.close()));
  });
});
