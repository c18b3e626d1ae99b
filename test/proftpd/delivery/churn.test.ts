import {once} from 'node:events';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {expect, it} from 'vitest';
import {deliver} from '../../../src/lib/proftpd/delivery/deliver.ts';
import {DeliveryQueue} from '../../../src/lib/proftpd/delivery/deliveryQueue.ts';
import {sessionsOf} from '../../../src/lib/proftpd/sessions/list.ts';
import {SystemVQueue} from '../../../src/lib/transport/systemV.ts';
import {churnDeliveries, randomFrom} from '../../helpers/deliveryChurn.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import {runStockFtpdctl, startProftpd, whyNoProftpd} from '../../helpers/proftpd.ts';
import {spawnServe} from '../../helpers/serveProgram.ts';
import {sessionSource} from '../../helpers/sessionSource.ts';
import {spawnTs} from '../../helpers/spawnTs.ts';

/** `npm run soak` goes on for so long; the tests do it once. */
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 0);

/** How often the program is killed; some are over before. */
const KILLS = 24;

describeWithPeer(whyNoProftpd(), 'many senders to a real ProFTPD', () => {
  it(
    'lose nothing, double nothing and leave nothing, while sessions come and go',
    async () => {
      const total = {taken: 0, missing: 0, doubled: 0, unexpected: 0, left: 0};
      const until = Date.now() + SECONDS * 1000;
      let seed = Number(process.env['SOAK_SEED'] ?? 1);
      do {
        const result = await churnDeliveries(8, 160, seed);
        for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += result[key];
        seed += 1;
      } while (Date.now() < until);
      if (SECONDS > 0) console.log(`churn: ${JSON.stringify(total)}`);
      const {taken, ...faults} = total;
      expect(faults).toEqual({missing: 0, doubled: 0, unexpected: 0, left: 0});
      expect(taken).toBeGreaterThanOrEqual(8 * 160 * 8);
    },
    (SECONDS + 90) * 1000,
  );

  it('killed at any moment leave a daemon that works, and a queue that the next delivery clears', async () => {
    const proftpd = await startProftpd();
    try {
      const clients = [];
      for (let count = 0; count < 6; count += 1) clients.push(await proftpd.session('dave'));
      const raw = SystemVQueue.open(proftpd.queueKey)!;
      const sessions = sessionsOf(sessionSource(proftpd));
      // One takes nothing, so that there is always something to leave behind.
      process.kill(sessions[0]!.pid, 'SIGSTOP');
      const scoreboard = join(proftpd.directory, 'scoreboard');
      for (const delay of [0, 1, 2, 3, 5, 8, 13, 40]) {
        const child = await spawnTs(join(import.meta.dirname, 'deliveryChild.ts'), [
          ...[String(proftpd.pid), String(proftpd.queueKey), scoreboard, 'killed', '1000', '200'],
        ]);
        await child.next();
        while (raw.list()!.length === 0) await sleep(1);
        await sleep(delay);
        await child.kill();
      }
      process.kill(sessions[0]!.pid, 'SIGCONT');

      const queue = DeliveryQueue.open(proftpd.queueKey, proftpd.pid)!;
      const results = await deliver(proftpd.pid, queue, ['after'], sessions.slice(1, 2), {audit: () => {}});
      expect(results.map(({outcome}) => outcome)).toEqual([{kind: 'taken'}]);
      while (raw.list()!.length > 0) await sleep(5);
      queue.close();
      const sent = await runStockFtpdctl(proftpd.socket, ['msg', 'user', 'dave', 'works']);
      expect(sent.stdout).toBe('ftpdctl: message sent\n');
      for (const client of clients) {
        const reply = await client.command('NOOP');
        expect(reply.filter((line) => line.endsWith(' works'))).toHaveLength(1);
        await client.close();
      }
    } finally {
      await proftpd.stop();
    }
  });

  it('that are the whole program, killed at random moments, too', async () => {
    const proftpd = await startProftpd({controlsInterval: 600});
    const env = {PROFTPD_CONF: proftpd.configFile};
    const send = (text: string) => spawnServe(['-s', proftpd.socket, 'msg', 'all', text], {env});
    try {
      const clients = [];
      for (let count = 0; count < 12; count += 1) clients.push(await proftpd.session('dave'));
      const raw = SystemVQueue.open(proftpd.queueKey)!;
      const [stopped] = sessionsOf(sessionSource(proftpd));
      const begun = performance.now();
      await send('whole').ended;
      const whole = performance.now() - begun;

      const random = randomFrom(Number(process.env['SOAK_SEED'] ?? 1));
      const ends = [];
      for (let round = 0; round < KILLS; round += 1) {
        // In every other round one takes nothing, and the program is killed with its message on the queue.
        if (round % 2 === 1) process.kill(stopped!.pid, 'SIGSTOP');
        const program = send(`killed ${round}.`);
        if (round % 2 === 1) while (raw.list()!.length === 0) await sleep(1);
        // Half of the time is the start of Node.
        await sleep(round % 2 === 1 ? random(20) : (0.4 + random(1000) / 1500) * whole);
        await program.kill();
        ends.push(await program.ended);
        process.kill(stopped!.pid, 'SIGCONT');
      }
      expect(ends.filter((end) => end === 'SIGKILL').length).toBeGreaterThanOrEqual(KILLS / 2);

      const last = send('the last one.');
      expect(await last.ended).toBe(0);
      expect(last.stdout()).toBe(`ftpdctl: message sent\nftpdctl: taken by ${clients.length} sessions\n`);
      while (raw.list()!.length > 0) await sleep(5);
      clients.push(await proftpd.session('alice'));
      const told = await Promise.all(clients.map((client) => client.command('NOOP')));
      for (const [index, reply] of told.entries()) {
        const texts = reply.map((line) => line.slice(4)).filter((line) => line.endsWith('.'));
        expect(new Set(texts).size).toBe(texts.length);
        if (index < clients.length - 1) expect(texts.at(-1)).toBe('the last one.');
      }
      for (const client of clients) await client.close();
    } finally {
      await proftpd.stop();
    }
  });

  it.each([
    'SIGINT',
    'SIGTERM',
    'SIGHUP',
  ] as const)('leave nothing behind when %s ends the whole program, and it says who has it', async (signal) => {
    const proftpd = await startProftpd({controlsInterval: 600});
    const [one, other] = [await proftpd.session('dave'), await proftpd.session('alice')];
    const raw = SystemVQueue.open(proftpd.queueKey)!;
    const [stopped] = sessionsOf(sessionSource(proftpd));
    try {
      process.kill(stopped!.pid, 'SIGSTOP');
      const program = spawnServe(['-s', proftpd.socket, 'msg', 'all', 'interrupted'], {
        env: {PROFTPD_CONF: proftpd.configFile},
      });
      // The other one has taken its message once that of the stopped one is alone.
      while (
        raw.status().lastReceived === 0 ||
        raw
          .list()
          ?.map(({type}) => type)
          .join() !== String(stopped!.pid)
      )
        await sleep(1);
      program.signal(signal);
      expect(await program.ended).toBe(signal);
      expect(program.stdout()).toBe('');
      expect(program.stderr()).toBe(
        'ftpdctl: interrupted: taken by 1 of 2 sessions, withdrawn from the others\n',
      );
      expect(raw.list()).toEqual([]);
      process.kill(stopped!.pid, 'SIGCONT');
      expect(await one.command('NOOP')).toEqual(['200 NOOP command successful']);
      expect((await other.command('NOOP')).at(-1)).toBe('200 interrupted');
    } finally {
      process.kill(stopped!.pid, 'SIGCONT');
      await Promise.all([one.close(), other.close()]);
      await proftpd.stop();
    }
  });

  it.each([
    'SIGINT',
    'SIGTERM',
    'SIGHUP',
  ] as const)('leave nothing behind when %s ends them', async (signal) => {
    const proftpd = await startProftpd();
    try {
      const client = await proftpd.session('dave');
      const [session] = sessionsOf(sessionSource(proftpd));
      process.kill(session!.pid, 'SIGSTOP');
      const raw = SystemVQueue.open(proftpd.queueKey)!;
      const child = await spawnTs(join(import.meta.dirname, 'deliveryChild.ts'), [
        ...[String(proftpd.pid), String(proftpd.queueKey), join(proftpd.directory, 'scoreboard')],
        ...['ended', '1', '10000'],
      ]);
      await child.next();
      while (raw.list()!.length === 0) await sleep(1);
      const ended = once(child.child, 'exit');
      child.child.kill(signal);
      expect(await ended).toEqual([null, signal]);
      expect(raw.list()).toEqual([]);
      process.kill(session!.pid, 'SIGCONT');
      await client.close();
    } finally {
      await proftpd.stop();
    }
  });
});
