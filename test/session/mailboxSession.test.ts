import {expect, it} from 'vitest';
import {MAX_WAITING_MESSAGES} from '../../src/lib/session/limits.ts';
import {noMailbox} from '../../src/lib/session/mailbox/mailbox.ts';
import {MailboxSession} from '../../src/lib/session/mailbox/mailboxSession.ts';
import {identity} from './support.ts';

const nobody = {changed() {}, active() {}, progress() {}, told: async () => true, ended() {}};
const origin = {recipients: 1, sender: 0};

it('remembers the latest messages it has shown, and takes none of them twice', () => {
  const session = new MailboxSession('1.0123456789ab.1', 1, identity(), nobody);
  const count = 2 * MAX_WAITING_MESSAGES;
  for (let n = 0; n < count; n++) {
    expect(session.take({id: `m${n}`, text: 'hi'}, origin)).toBe(true);
    session.shown([`m${n}`]);
    session.recorded(`m${n}`);
  }
  expect(session.holdsNothing).toBe(true);
  const recorded = Array.from({length: MAX_WAITING_MESSAGES}, (_, n) => ({
    id: `m${MAX_WAITING_MESSAGES + n}`,
    origin,
    state: 'recorded',
  }));
  expect([...session.fates()]).toEqual(recorded);
  expect(session.take({id: `m${count - 1}`, text: 'hi'}, origin)).toBe(false);
  expect(session.pending()).toEqual([]);
});

it('has a message pending until it was shown, and says once that it is on its way', async () => {
  const said: string[] = [];
  const news = {
    ...nobody,
    progress: (_: unknown, id: string, state: string) => void said.push(`${id} ${state}`),
  };
  const session = new MailboxSession('1.0123456789ab.1', 1, identity(), news);
  session.take({id: 'm1', text: 'hi'}, origin);
  for (const _ of [1, 2]) await session.showing(['m1', 'never taken']);
  expect(session.pending()).toHaveLength(1);
  expect([...session.fates()]).toEqual([{id: 'm1', origin, state: 'showing'}]);
  session.shown(['m1']);
  await session.showing(['m1']);
  expect(said).toEqual(['m1 showing', 'm1 shown']);
  expect(session.pending()).toEqual([]);
});

it('holds what came when it had ended, for a server that did not know of the end', () => {
  const session = new MailboxSession('1.0123456789ab.1', 1, identity(), nobody);
  session.goodbye();
  session.take({id: 'm1', text: 'hi'}, origin);
  session.shown(['m1']);
  expect([...session.fates()]).toEqual([{id: 'm1', origin, state: 'taken'}]);
});

it('without a queue does all that a session does, and has no messages', async () => {
  const session = noMailbox.register(identity());
  session.change({user: 'ann'});
  session.active();
  expect(session.pending()).toEqual([]);
  expect(await session.showing([])).toBe(true);
  session.shown([]);
  session.goodbye();
  expect(noMailbox.isDown('127.0.0.1#21')).toBe(false);
  await noMailbox.close();
});
