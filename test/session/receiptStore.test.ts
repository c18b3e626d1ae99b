import {expect, it} from 'vitest';
import {
  MAX_NAMED_UNDELIVERED,
  MAX_WAITING_BYTES,
  MESSAGE_OVERHEAD_BYTES,
} from '../../src/lib/session/limits.ts';
import {ReceiptStore} from '../../src/lib/session/queue/receiptStore.ts';
import {RegisteredSession} from '../../src/lib/session/queue/sessions.ts';
import {identity} from './support.ts';

const MAILBOX = '1.0123456789ab';

function session(n: number): RegisteredSession {
  return new RegisteredSession(MAILBOX, {...identity(), n, since: 0, idle: 0});
}

const foreign = {id: 'feedfacecafe-1', recipients: 3, sender: 1000};

it('names so many of those who will never show a message, and counts all', () => {
  const store = new ReceiptStore();
  const count = MAX_NAMED_UNDELIVERED + 1;
  const refused = Array.from({length: count}, (_, n) => {
    return {session: `${MAILBOX}.${n}`, user: null, host: 'h', reason: 'session ended'};
  });
  const id = store.newId();
  store.open({id, bytes: 2, sender: 0}, [], refused);
  expect(store.receipt(id)).toMatchObject({recipients: count, lost: count, waiting: 0});
  expect(store.receipt(id)!.undelivered).toEqual(refused.slice(0, MAX_NAMED_UNDELIVERED));
});

it('names so many of those whose process has ended while it showed a message, and counts all', () => {
  const store = new ReceiptStore();
  const sessions = Array.from({length: MAX_NAMED_UNDELIVERED + 1}, (_, n) => session(n + 1));
  const id = store.newId();
  store.open({id, bytes: 2, sender: 0}, sessions, []);
  for (const each of sessions) store.report({id, state: 'showing', recipients: 0, sender: 0}, each);
  // What is said twice, or too late, is no news.
  store.report({id, state: 'taken', recipients: 0, sender: 0}, sessions[0]!);
  expect(store.interrupt(id, sessions[0]!)).toBe(false);
  store.report({id, state: 'showing', recipients: 0, sender: 0}, sessions[0]!);
  expect(sessions.map((each) => store.interrupt(id, each))).toEqual(sessions.map(() => true));
  expect(store.interrupt(id, sessions[0]!)).toBe(false);
  expect(store.hasOpen).toBe(false);
  expect(store.receipt(id)).toMatchObject({unknown: sessions.length, waiting: 0, lost: 0});
  expect(store.receipt(id)!.interrupted).toEqual(
    sessions.slice(0, -1).map((each) => ({session: each.id, user: 'dave', host: 'localhost'})),
  );
  expect(store.newlyUnknown()).toEqual([]);
});

it('has as much room after a message of another server, however often that has seemed to be over', () => {
  const store = new ReceiptStore();
  const most = MAX_WAITING_BYTES - MESSAGE_OVERHEAD_BYTES;
  expect(store.hasRoomFor(most)).toBe(true);
  for (const n of [1, 2, 3]) {
    const late = session(n);
    store.report({...foreign, state: 'taken'}, late);
    expect(store.hasRoomFor(most)).toBe(false);
    expect(store.hasOpen).toBe(true);
    expect(store.receipt(foreign.id)).toMatchObject({taken: n, waiting: 1, unknown: 3 - n});
    expect(store.report({...foreign, state: 'shown'}, late)).toBe(true);
    expect(store.hasRoomFor(most)).toBe(true);
    expect(store.hasRoomFor(most + 1)).toBe(false);
    expect(store.hasOpen).toBe(false);
  }
  expect(store.receipt(foreign.id)).toMatchObject({sender: 1000, recipients: 3, shown: 3, unknown: 0});
});

it('believes no number of recipients that is smaller than those who have it', () => {
  const store = new ReceiptStore();
  for (const n of [1, 2]) store.report({...foreign, recipients: 1, state: 'recorded'}, session(n));
  expect(store.receipt(foreign.id)).toMatchObject({recipients: 2, shown: 2, unknown: 0});
});

it('says once how many sessions are unknown, and again when they are more', () => {
  const store = new ReceiptStore();
  store.report({...foreign, state: 'taken'}, session(1));
  expect(store.newlyUnknown()).toEqual([{id: foreign.id, count: 2}]);
  expect(store.newlyUnknown()).toEqual([]);
  store.report({...foreign, state: 'taken'}, session(2));
  expect(store.newlyUnknown()).toEqual([]);
  expect(store.unfinished()).toEqual([{id: foreign.id, count: 2}]);
});

it('takes no news of its own messages from a session that has none', () => {
  const store = new ReceiptStore();
  const id = store.newId();
  const taker = session(1);
  store.open({id, bytes: 2, sender: 0}, [taker], []);
  expect(store.report({...foreign, id, state: 'shown'}, session(2))).toBe(false);
  expect(store.receipt(id)).toMatchObject({recipients: 1, shown: 0, waiting: 1});
  expect(store.undelivered(id, session(2), 'session ended')).toBe(false);
  expect(store.undelivered(id, taker, 'session ended')).toBe(true);
  expect(store.report({...foreign, id, state: 'shown'}, taker)).toBe(false);
  expect(store.receipt(id)).toMatchObject({recipients: 1, shown: 0, lost: 1, waiting: 0});
});

it('is unfinished with the messages that a session may still show, and with no others', () => {
  const store = new ReceiptStore();
  const [waiting, settled] = [store.newId(), store.newId()];
  const takers = [session(1), session(2)];
  store.open({id: waiting, bytes: 2, sender: 0}, takers, []);
  store.open({id: settled, bytes: 2, sender: 0}, [], []);
  expect(store.unfinished()).toEqual([{id: waiting, count: 2}]);
  for (const taker of takers) store.undelivered(waiting, taker, 'session ended');
  expect(store.unfinished()).toEqual([]);
});

it('counts a session that has it once, however often that is said', () => {
  const store = new ReceiptStore();
  const id = store.newId();
  const taker = session(1);
  store.open({id, bytes: 2, sender: 7}, [taker, session(2)], []);
  for (let n = 0; n < 2; n++) expect(store.report({...foreign, id, state: 'taken'}, taker)).toBe(false);
  expect(store.receipt(id)).toMatchObject({sender: 7, recipients: 2, taken: 1, shown: 0, waiting: 2});
  expect(store.report({...foreign, id, state: 'recorded'}, taker)).toBe(false);
  expect(store.receipt(id)).toMatchObject({taken: 1, shown: 1, waiting: 1});
});
