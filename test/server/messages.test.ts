import {EventEmitter} from 'node:events';
import {beforeEach, expect, test, vi} from 'vitest';
import {type MessageQueue, Messages} from '../../src/lib/server/messages.ts';
import type {NamedSession, SessionQueueEvents} from '../../src/lib/session/queue/sessionQueue.ts';

const SENDER = {uid: 0, client: 'root/root'};
const DELIVERY = {id: 'm1', recipients: 1, engineOff: 0, refused: []};

let queue: EventEmitter<SessionQueueEvents>;
let lines: string[];
let messages: Messages;

beforeEach(() => {
  queue = new EventEmitter();
  lines = [];
  messages = new Messages(queue as MessageQueue, {
    write: (line) => lines.push(line),
    written: async () => {},
  });
});

function session(n: number, user: string | null): NamedSession {
  const identity = {pid: 7, user, address: '::1', host: 'h', class: null, server: 's', engine: true};
  return {id: `7.a.${n}`, identity};
}

const SESSIONS = [session(1, 'dave'), session(2, null)];
const NAMES = ['dave@h (session 7.a.1, pid 7)', '(none)@h (session 7.a.2, pid 7)'];

test.each<[keyof SessionQueueEvents, unknown, string[]]>([
  ['shown', {id: 'm1', sessions: SESSIONS}, NAMES.map((name) => `message m1 shown to ${name}`)],
  [
    'undelivered',
    {id: 'm1', reason: 'session ended', sessions: SESSIONS},
    NAMES.map((name) => `message m1 undelivered to ${name}: session ended`),
  ],
  [
    'interrupted',
    {id: 'm1', sessions: SESSIONS},
    NAMES.map((name) => `message m1 unknown to ${name}: session process ended while showing it`),
  ],
  [
    'unknown',
    {id: 'm1', count: 2},
    ['message m1 unknown to 2 sessions: an earlier server sent it, and wrote above what it knew'],
  ],
  [
    'unfinished',
    {id: 'm1', count: 1},
    ['message m1 waits in 1 session: server stopped, the next one hears of it'],
  ],
  [
    'killed',
    {startedAt: new Date(0)},
    [
      'the server started at 1970-01-01T00:00:00.000Z was killed: what it had not handed over is lost, ' +
        'and its last lines here may be missing',
    ],
  ],
  [
    'mailboxLost',
    {mailbox: '7.a'},
    ['session process 7.a ended before this server heard of its sessions: what they held is lost'],
  ],
  ['ignored', {reason: 'not JSON'}, ['ignored: not JSON']],
])('the log says what was %s', (event, what, expected) => {
  queue.emit(event, what as never);
  expect(lines).toEqual(expected);
});

test.each([
  [{kind: 'all'} as const, {}, 'to all: 1 session'],
  [{kind: 'user', name: 'dave'} as const, {recipients: 0}, "to user 'dave': 0 sessions"],
  [
    {kind: 'class', name: 'c'} as const,
    {engineOff: 2},
    "to class 'c': 1 session, not to 2 sessions with MessageEngine off",
  ],
])('the log says whom a message is for: %j %j', (audience, changes, expected) => {
  queue.emit('message', {audience, text: 'hi', sender: SENDER, delivery: {...DELIVERY, ...changes}});
  expect(lines).toEqual([`message m1 from root/root client ${expected}`]);
});

test('a message is called sent when all sessions were waited for, and the log is with the system', async () => {
  const steps: string[] = [];
  const step = (name: string) => async () => void steps.push(name);
  const fake = Object.assign(new EventEmitter(), {
    answered: step('answered'),
    deliver: () => {
      steps.push('delivered');
      return DELIVERY;
    },
    recorded: async () => {},
  });
  const written = vi.fn(step('written'));
  messages = new Messages(fake as unknown as MessageQueue, {write() {}, written});
  expect(await messages.send(SENDER, {kind: 'all'}, 'hi')).toBe(DELIVERY);
  expect(steps).toEqual(['answered', 'delivered', 'written']);
  // So are mailboxes told that what they have said is recorded.
  await fake.recorded();
  expect(written).toHaveBeenCalledTimes(2);
});

test('without a queue there is nobody', async () => {
  messages = new Messages(null, {write() {}, written: async () => {}});
  await messages.answered();
  expect(messages.sessions()).toEqual([]);
  expect(messages.unanswered).toBe(0);
  expect(messages.receipt('m1')).toBeUndefined();
  expect(messages.waitingFor('m1')).toEqual([]);
  expect(await messages.send(SENDER, {kind: 'all'}, 'hi')).toEqual({
    id: '',
    recipients: 0,
    engineOff: 0,
    refused: [],
  });
  messages.close();
});
