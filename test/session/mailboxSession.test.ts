import {expect, it} from 'vitest';
import {MAX_WAITING_MESSAGES} from '../../src/lib/session/limits.ts';
import {MailboxSession} from '../../src/lib/session/mailbox/mailboxSession.ts';
import {decodeToServer, pack} from '../../src/lib/session/schema.ts';
import {identity} from './support.ts';

const nobody = {changed() {}, active() {}, shown() {}, ended() {}};

it('introduces itself to a new server even if two servers before have filled it', () => {
  const session = new MailboxSession('1.0123456789ab.1', 1, identity(), nobody);
  for (let n = 0; n < 2 * MAX_WAITING_MESSAGES; n++) session.take({id: `m${n}`, text: 'hi'});
  const {bytes} = pack({type: 'hello', from: '1.0123456789ab'}, [session.record()]);
  expect(decodeToServer(bytes)).toMatchObject({kind: 'datagram'});
});
