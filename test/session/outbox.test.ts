import {beforeEach, expect, it} from 'vitest';
import {MailboxSession} from '../../src/lib/session/mailbox/mailboxSession.ts';
import {Outbox} from '../../src/lib/session/mailbox/outbox.ts';
import {decodeToServer, type ToServer} from '../../src/lib/session/schema.ts';
import {identity} from './support.ts';

const origin = {recipients: 1, sender: 0};

let sessions: Map<number, MailboxSession>;
let outbox: Outbox;
beforeEach(() => {
  sessions = new Map();
  outbox = new Outbox('1.0123456789ab', sessions);
});

function add(n: number): MailboxSession {
  const session = new MailboxSession(`1.0123456789ab.${n}`, n, identity(), {
    changed: (each) => outbox.introduce(each),
    active: (each) => void outbox.active(each),
    progress: (each, id, state, from) => outbox.progress(each, id, state, from),
    told: async () => true,
    ended: (each) => outbox.leave(each),
  });
  sessions.set(n, session);
  outbox.introduce(session);
  return session;
}

/** All that there is to say, as the server takes it. */
function say(): ToServer[] {
  const said: ToServer[] = [];
  for (let next = outbox.next(); next !== null; next = outbox.next()) {
    const decoded = decodeToServer(next.bytes);
    if (decoded.kind === 'invalid') throw new Error(decoded.reason);
    said.push(decoded.datagram);
    next.sent();
  }
  return said;
}

const kinds = (said: readonly ToServer[]) => said.map(({type, seq}) => `${type} ${seq}`);

it('numbers its datagrams, and says the same again when one was not sent', () => {
  add(1);
  expect(decodeToServer(outbox.next()!.bytes)).toMatchObject({datagram: {type: 'hello', seq: 1}});
  expect(kinds(say())).toEqual(['hello 1']);
  expect(outbox.next()).toBeNull();
  expect(outbox.isSettled).toBe(true);
});

it('forgets what was acknowledged, and no more', () => {
  const [first, second] = [add(1), add(2)];
  say();
  for (const session of [first, second]) session.take({id: 'm', text: 'hi'}, origin);
  first.shown(['m']);
  expect(kinds(say())).toEqual(['receipts 2']);
  second.shown(['m']);
  expect(kinds(say())).toEqual(['receipts 3']);
  first.goodbye();
  expect(kinds(say())).toEqual(['goodbye 4']);
  outbox.acknowledged(2);
  expect([first.holdsNothing, second.holdsNothing, sessions.size]).toEqual([true, false, 2]);
  outbox.acknowledged(3);
  expect([second.holdsNothing, sessions.size, outbox.isSettled]).toEqual([true, 2, false]);
  outbox.acknowledged(4);
  expect([...sessions.keys()]).toEqual([2]);
  expect(outbox.isSettled).toBe(true);
});

it('says everything to another server: sessions, then their messages, then who has left, then that this is all', () => {
  const [shown, holding, leaving, showing] = [add(1), add(2), add(3), add(4)];
  say();
  for (const session of [shown, holding, leaving, showing]) session.take({id: 'm', text: 'hi'}, origin);
  shown.shown(['m']);
  say();
  outbox.acknowledged(2);
  holding.shown(['m']);
  void showing.showing(['m']);
  leaving.goodbye();
  outbox.restart(true);
  const said = say();
  expect(kinds(said)).toEqual(['hello 3', 'receipts 4', 'goodbye 5', 'complete 6']);
  expect(said[0]).toMatchObject({items: [{n: 1}, {n: 2}, {n: 3}, {n: 4}]});
  expect(said[1]).toMatchObject({
    items: [
      {id: 'm', state: 'taken', to: [3, 3]},
      {id: 'm', state: 'showing', to: [4, 4]},
      {id: 'm', state: 'shown', to: [2, 2]},
      {id: 'm', state: 'recorded', to: [1, 1]},
    ],
  });
  expect(said[2]).toMatchObject({items: [3, 3]});
  // What the server before acknowledges now was said to it, and not to this one.
  outbox.acknowledged(2);
  expect(outbox.isSettled).toBe(false);
});

it('says that messages are on their way before it says that they have arrived, many sessions at once', () => {
  const [first, second] = [add(1), add(2)];
  for (const session of [first, second]) session.take({id: 'm', text: 'hi'}, origin);
  say();
  for (const session of [first, second]) void session.showing(['m']);
  first.shown(['m']);
  const [said] = say();
  expect(said).toMatchObject({
    type: 'receipts',
    items: [
      {id: 'm', state: 'showing', to: [1, 2]},
      {id: 'm', state: 'shown', to: [1, 1]},
    ],
  });
  expect(outbox.hasNext).toBe(false);
});

it('says that this is all only to a server that has asked', () => {
  add(1);
  outbox.restart(false);
  expect(kinds(say())).toEqual(['hello 1']);
});

it('forgets at once who has come and gone unheard', () => {
  add(1).goodbye();
  expect(sessions.size).toBe(0);
  expect(outbox.hasNext).toBe(false);
});
