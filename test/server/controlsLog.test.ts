import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import type {ControlResult} from '../../src/lib/server/controlResult.ts';
import {ControlsLog, Omissions} from '../../src/lib/server/controlsLog.ts';
import type {LogFile} from '../../src/lib/server/logFile.ts';

const ROOT = {client: 'root/root', isLogged: true};
const FLOOD = {client: 'eve/eve', isLogged: false};

let lines: string[];
let log: ControlsLog;

beforeEach(() => {
  lines = [];
  log = new ControlsLog({write: (line: string) => lines.push(line), close() {}} as unknown as LogFile);
});

/** Without the module and pid, which each line begins with. */
function texts(): string[] {
  const origin = `mod_ctrls/0.9.5[${process.pid}]: `;
  return lines.splice(0).map((line) => {
    expect(line.startsWith(origin)).toBe(true);
    return line.slice(origin.length);
  });
}

function request(action: string, ...args: string[]) {
  return {action, args};
}

function everything(to: ControlsLog, who: typeof ROOT): void {
  to.accepted(who);
  to.received(who, request('msg', 'all', 'hi'));
  to.untrusted(who, request('msg', 'all', 'hi'));
  to.invalid(who);
  to.sent(who, {status: 0, lines: ['message sent']}, true);
  to.closed(who);
}

describe('the log of requests', () => {
  test('says what becomes of each; in a flood nothing', () => {
    everything(log, ROOT);
    expect(texts()).toEqual([
      'accepted connection from root/root client',
      "recvd from root/root client: 'msg all hi'",
      "recvd from root/root client: 'msg all hi'",
      'recvd from root/root client: (invalid action)',
      'sent to root/root client: return value: 0',
      "sent to root/root client: 'message sent'",
      'closed connection to root/root client',
    ]);
    everything(log, FLOOD);
    expect(texts()).toEqual([]);
    log.line('server stopped');
    expect(texts()).toEqual(['server stopped']);
  });

  test('is missed by nobody where none is wanted', () => {
    const none = new ControlsLog(null);
    everything(none, ROOT);
    none.line('server stopped');
    none.close();
  });

  test('has a status only of what was carried out', () => {
    log.sent(ROOT, {status: -2, lines: ['access denied']}, false);
    expect(texts()).toEqual(["sent to root/root client: 'access denied'"]);
  });

  test.each([
    [64, 64, []],
    [65, 64, ['sent to root/root client: 1 lines more']],
    [1000, 64, ['sent to root/root client: 936 lines more']],
  ])('of an answer of %d lines has %d', (count, logged, last) => {
    const answer: ControlResult = {status: 0, lines: Array.from({length: count}, (_, n) => `line ${n}`)};
    log.sent(ROOT, answer, false);
    const said = texts();
    expect(said.slice(0, logged)).toEqual(
      answer.lines.slice(0, logged).map((line) => `sent to root/root client: '${line}'`),
    );
    expect(said.slice(logged)).toEqual(last);
  });

  test.each([
    [['a'.repeat(200)], 'a'.repeat(200)],
    [['a'.repeat(201)], `${'a'.repeat(200)}… (201 characters)`],
    [['msg', 'all', 'b'.repeat(192)], `msg all ${'b'.repeat(192)}`],
    [['msg', 'all', 'b'.repeat(193), 'more', 'words'], `msg all ${'b'.repeat(192)}… (212 characters)`],
    [['help', '', ''], 'help  '],
  ])('has a refused request in no more than 200 characters: %#', (words, text) => {
    const [action, ...args] = words as [string, ...string[]];
    log.untrusted(ROOT, {action, args});
    expect(texts()).toEqual([`recvd from root/root client: '${text}'`]);
  });

  test('has one that is carried out as it is', () => {
    log.received(ROOT, request('msg', 'all', 'x'.repeat(5000)));
    expect(texts()).toEqual([`recvd from root/root client: 'msg all ${'x'.repeat(5000)}'`]);
  });
});

describe('what a flood leaves out', () => {
  let omissions: Omissions;
  beforeEach(() => {
    vi.useFakeTimers();
    omissions = new Omissions((line) => log.line(line));
  });
  afterEach(() => vi.useRealTimers());

  test('is counted for each client, and said ten seconds after the first, once', () => {
    omissions.count('eve/eve');
    vi.advanceTimersByTime(9999);
    for (const client of ['eve/eve', 'mallory/users']) omissions.count(client);
    expect(texts()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(texts()).toEqual([
      'left out: 2 connections from eve/eve client, too many at once',
      'left out: 1 connection from mallory/users client, too many at once',
    ]);
    vi.advanceTimersByTime(60_000);
    expect(texts()).toEqual([]);
    omissions.count('eve/eve');
    vi.advanceTimersByTime(10_000);
    expect(texts()).toEqual(['left out: 1 connection from eve/eve client, too many at once']);
  });

  test('is said at once by a server that ends, and not again', () => {
    omissions.count('eve/eve');
    omissions.flush();
    expect(texts()).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
    omissions.flush();
    expect(texts()).toEqual([]);
  });

  test('of more clients than 32 is counted together', () => {
    for (let n = 0; n < 40; n++) omissions.count(`user${n}/users`);
    omissions.count('user31/users');
    omissions.flush();
    const said = texts();
    expect(said).toHaveLength(33);
    expect(said.slice(-2)).toEqual([
      'left out: 2 connections from user31/users client, too many at once',
      'left out: 8 connections from other client, too many at once',
    ]);
  });
});
