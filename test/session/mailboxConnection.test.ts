import {expect, it} from 'vitest';
import {MailboxConnection} from '../../src/lib/session/queue/mailboxConnection.ts';
import {RegisteredSession} from '../../src/lib/session/queue/sessions.ts';
import {decodeToMailbox} from '../../src/lib/session/schema.ts';
import type {DatagramSender, SendResult} from '../../src/lib/transport/sockets/datagram.ts';
import {identity} from './support.ts';

/** A socket that takes what it is told to take. */
class Socket {
  readonly sent: unknown[] = [];
  result: SendResult = {kind: 'sent'};

  send(bytes: Buffer): SendResult {
    if (this.result.kind === 'sent') {
      const decoded = decodeToMailbox(bytes);
      this.sent.push(decoded.kind === 'datagram' ? decoded.datagram : decoded);
    }
    return this.result;
  }
}

function connection() {
  const socket = new Socket();
  const mailbox = new MailboxConnection('1.0123456789ab', '/q', socket as unknown as DatagramSender);
  return {socket, mailbox};
}

const origin = {recipients: 1, sender: 0};

it('asks first, then acknowledges the last only, then delivers; each of them once', () => {
  const {socket, mailbox} = connection();
  const session = new RegisteredSession(mailbox.id, {...identity(), n: 7, since: 0, idle: 0});
  mailbox.recorded(3);
  mailbox.recorded(5);
  mailbox.enqueue('m', 'hi', origin, [session]);
  expect(mailbox.flush()).toEqual({kind: 'done'});
  mailbox.flush();
  expect(socket.sent).toEqual([
    {type: 'present'},
    {type: 'acknowledge', seq: 5},
    {type: 'deliver', items: [{id: 'm', text: 'hi', ...origin, to: [7, 7]}]},
  ]);
});

it.each<SendResult>([
  {kind: 'full'},
  {kind: 'failed', cause: new Error('no memory')},
])('says later what could not be sent now: $kind', (result) => {
  const {socket, mailbox} = connection();
  const session = new RegisteredSession(mailbox.id, {...identity(), n: 7, since: 0, idle: 0});
  mailbox.sessions.set(7, session);
  const steps = [() => {}, () => mailbox.recorded(1), () => mailbox.enqueue('m', 'hi', origin, [session])];
  for (const [at, step] of steps.entries()) {
    step();
    socket.result = result;
    expect(mailbox.flush()).toEqual(result);
    expect(socket.sent).toHaveLength(at);
    expect([...mailbox.notHandedOver()]).toHaveLength(at === 2 ? 1 : 0);
    socket.result = {kind: 'sent'};
    expect(mailbox.flush()).toEqual({kind: 'done'});
    expect(socket.sent).toHaveLength(at + 1);
  }
  expect([...mailbox.notHandedOver()]).toEqual([]);
});

it('is idle when it has no sessions and all is said and acknowledged', () => {
  const {mailbox} = connection();
  mailbox.flush();
  expect(mailbox.isIdle).toBe(false);
  mailbox.isComplete = true;
  expect(mailbox.isIdle).toBe(true);
  mailbox.received(4);
  expect(mailbox.isIdle).toBe(false);
  mailbox.recorded(4);
  expect(mailbox.isIdle).toBe(false);
  mailbox.flush();
  expect(mailbox.isIdle).toBe(true);
  mailbox.sessions.set(1, new RegisteredSession(mailbox.id, {...identity(), n: 1, since: 0, idle: 0}));
  expect(mailbox.isIdle).toBe(false);
});
