import {describe, expect, test} from 'vitest';
import {HostError} from '../../src/lib/fleet/errors.ts';
import type {RemoteWord} from '../../src/lib/fleet/script.ts';
import {StockClient} from '../../src/lib/fleet/stock.ts';
import {RequestRefused} from '../../src/lib/protocol/guard.ts';
import type {Dialect} from '../../src/lib/protocol/message.ts';

interface Said {
  readonly status?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** A stock client that says these things in turn, and keeps the words that it is given. */
function stock(dialect: Dialect | undefined, ...said: readonly Said[]) {
  const runs: RemoteWord[][] = [];
  const client = new StockClient(
    async (words) => {
      runs.push([...words]);
      return {status: 0, stdout: '', stderr: '', note: '/run/found.sock', ...said[runs.length - 1]};
    },
    dialect,
    '/run/ctrls',
  );
  return {client, runs};
}

const line = (text: string): Said => ({stdout: `ftpdctl: ${text}\n`});

describe('what the lines of a stock client mean', () => {
  test.each([
    ['message sent', 0, 0],
    ['error sending message: Success', 0, 0],
    ['unable to send message: no such client connected', 0, -4],
    ['access denied', 0, -2],
    ['unsupported action requested', 7, -7],
    ['access denied', 2, -2],
    ['something that nobody has measured', 0, -1],
    ['something that nobody has measured', 5, -5],
  ])('%j with exit status %i', async (words, status, verdict) => {
    const {client} = stock('binary', {...line(words), status});
    expect(await client.message(['all'], 'hi')).toMatchObject({
      verdict,
      responses: [words],
      socket: '/run/ctrls',
    });
  });

  test('an action other than msg succeeds by any words', async () => {
    const {client} = stock('binary', line('msg (mod_msg.c)'));
    expect(await client.request('lsctrl')).toMatchObject({verdict: 0});
  });

  test('what was not carried out is sent again', async () => {
    const {client, runs} = stock('binary', line('blocked connection'), line('message sent'));
    expect(await client.message(['all'], 'hi')).toMatchObject({verdict: 0, responses: ['message sent']});
    expect(runs).toHaveLength(2);
  });

  test('no line is no answer', async () => {
    const stderr = "ftpdctl: error contacting server using '/run/ctrls': No such file or directory\n";
    const {client} = stock('binary', {status: 1, stderr});
    const failed = client.message(['all'], 'hi');
    await expect(failed).rejects.toThrow(HostError);
    await expect(failed).rejects.toMatchObject({
      code: 'CLIENT_FAILED',
      exitStatus: 1,
      mayBeDone: false,
      message: "error contacting server using '/run/ctrls': No such file or directory",
    });
    const silent = stock('binary', {status: 0}).client.message(['all'], 'hi');
    await expect(silent).rejects.toMatchObject({code: 'CLIENT_FAILED', mayBeDone: true});
  });
});

describe('what is sent', () => {
  const words = (length: number) => 'word '.repeat(length / 5).trim();

  test('a long text in few words for 1.3.8, in one from 1.3.9 on', async () => {
    const old = stock('binary', line('message sent'));
    await old.client.message(['user', 'dave'], words(5000));
    const [run] = old.runs as [string[]];
    expect(run.slice(0, 5)).toEqual(['-s', '/run/ctrls', 'msg', 'user', 'dave']);
    expect(run.slice(5).join(' ')).toBe(words(5000));
    expect(run.length).toBeLessThan(32);
    expect(run.every(({length}) => length <= 256)).toBe(true);
    const recent = stock('json', line('message sent'));
    await recent.client.message(['all'], words(900));
    expect(recent.runs[0]).toEqual(['-s', '/run/ctrls', 'msg', 'all', words(900)]);
  });

  test.each<[Dialect | undefined, string]>([
    ['binary', 'grüße'],
    ['json', 'grüße'],
    [undefined, 'grüße'],
    ['binary', 'two\nlines'],
    ['binary', words(5200)],
    ['json', words(1100)],
    [undefined, words(1100)],
    [undefined, 'x'.repeat(300)],
  ])('never what does harm, nor what arrives cut: %s %j', async (dialect, text) => {
    const {client, runs} = stock(dialect, line('message sent'));
    await expect(client.message(['all'], text)).rejects.toThrow(RequestRefused);
    expect(runs).toEqual([]);
  });

  test('nor is an action that does harm', async () => {
    const {client, runs} = stock('binary');
    await expect(client.request('kick', ['user', 'jürgen'])).rejects.toThrow(RequestRefused);
    await expect(client.request('x'.repeat(128))).rejects.toThrow(RequestRefused);
    expect(runs).toEqual([]);
  });
});
