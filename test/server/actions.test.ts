import {EventEmitter} from 'node:events';
import {beforeEach, describe, expect, onTestFinished, test, vi} from 'vitest';
import {type NameDirectory, Names} from '../../src/lib/acl/names.ts';
import {audienceFilter} from '../../src/lib/audience.ts';
import {loadSettings} from '../../src/lib/config/load.ts';
import {FtpdctlError} from '../../src/lib/errors.ts';
import {JSON_LIMITS} from '../../src/lib/protocol/limits.ts';
import {acl} from '../../src/lib/server/actions/acl.ts';
import {type Action, Controls, type ServerView} from '../../src/lib/server/actions/action.ts';
import {help, lsctrl} from '../../src/lib/server/actions/controls.ts';
import {msg} from '../../src/lib/server/actions/msg.ts';
import {receipt} from '../../src/lib/server/actions/receipt.ts';
import {status} from '../../src/lib/server/actions/status.ts';
import {who} from '../../src/lib/server/actions/who.ts';
import {type ControlResult, resultFrame, success, takeWhileFits} from '../../src/lib/server/controlResult.ts';
import {HostResolver} from '../../src/lib/server/hostResolver.ts';
import {type MessageQueue, Messages} from '../../src/lib/server/messages.ts';
import {DownServers} from '../../src/lib/server/virtualServers.ts';
import type {SessionQueueEvents} from '../../src/lib/session/queue/sessionQueue.ts';
import type {SessionInfo} from '../../src/lib/session/queue/sessions.ts';
import {controlOf, measuredNames} from '../acl/callers.ts';
import {memorySource} from '../config/memorySource.ts';

/** Sessions that take every message at once, but for those of a user called `full`. */
class FakeQueue extends EventEmitter<SessionQueueEvents> implements MessageQueue {
  readonly sent: string[] = [];
  unanswered = 0;
  recorded = async () => {};
  #sender = -1;
  readonly #sessions: readonly SessionInfo[];

  constructor(sessions: readonly SessionInfo[]) {
    super();
    this.#sessions = sessions;
  }

  sessions() {
    return [...this.#sessions];
  }

  deliver(...[audience, text, sender]: Parameters<MessageQueue['deliver']>) {
    this.#sender = sender.uid;
    const meant = this.#sessions.filter(audienceFilter(audience));
    const takers = meant.filter(({engine}) => engine);
    const full = takers.filter(({user}) => user === 'full');
    const id = `m${this.sent.push(text)}`;
    const reason = 'too many messages wait for the session';
    const refused = full.map(({id, user, host}) => ({session: id, user, host, reason}));
    const delivery = {id, recipients: takers.length, engineOff: meant.length - takers.length, refused};
    this.emit('message', {audience, text, sender, delivery});
    for (const session of full) {
      this.emit('undelivered', {id, reason, sessions: [{id: session.id, identity: session}]});
    }
    return delivery;
  }

  receipt(id: string) {
    const text = this.sent[Number(id.slice(1)) - 1];
    return text === undefined
      ? undefined
      : {
          id,
          sender: this.#sender,
          recipients: 6,
          taken: 3,
          shown: 1,
          lost: 1,
          undelivered: [{session: '1.f', user: 'full', host: 'localhost', reason: 'session ended'}],
          waiting: 1,
          unknown: 3,
          interrupted: [{session: '1.i', user: 'alice', host: 'localhost'}],
        };
  }

  waitingFor() {
    return this.#sessions.slice(0, 1).map((session) => ({id: session.id, identity: session}));
  }

  async answered() {}

  async kick(ids: ReadonlySet<string>) {
    return ids.size;
  }

  setDown() {}

  async shutDown() {}

  close() {}
}

const NO_LOG = {write() {}, written: async () => {}};

function session(id: string, changes: Partial<SessionInfo> = {}): SessionInfo {
  return {
    id,
    pid: 100,
    user: 'dave',
    address: '127.0.0.1',
    host: 'localhost',
    class: 'staff',
    server: '127.0.0.1#2121',
    engine: true,
    connectedAt: new Date(1000),
    idle: 2400,
    waiting: 1,
    ...changes,
  };
}

const SESSIONS = [
  session('1.a', {user: null, class: null}),
  session('1.b'),
  session('1.c', {user: 'alice', address: '192.0.2.7', host: 'example.net'}),
  session('1.d', {user: 'off', engine: false}),
  session('1.e', {user: 'full'}),
];

const [OWN, OTHER, STRANGER] = [65101, 65102, 65103];
const ACLS = [
  'ControlsSocketACL allow user *',
  'MessageControlsACLs msg allow user oc_u1',
  'AdminControlsACLs get allow user oc_u1',
];

const directory: NameDirectory = {
  ...measuredNames,
  user: (name) =>
    measuredNames.uid(name) === undefined ? undefined : {uid: measuredNames.uid(name)!, gid: 65202},
  userOf: () => undefined,
  groupName: () => undefined,
};

let queue: FakeQueue;
let view: ServerView;
let log: string[];

const resolver = new HostResolver(async (name) => {
  if (name === 'example.net') return [{address: '192.0.2.7'}, {address: '2001:db8::7'}];
  throw new Error('ENOTFOUND');
});

beforeEach(() => {
  queue = new FakeQueue(SESSIONS);
  log = [];
  const file = '/d/p.conf';
  const conf = [
    'DefaultAddress 127.0.0.1',
    'Port 2121',
    'MessageEngine on',
    '<VirtualHost 127.0.0.2>',
    '</VirtualHost>',
  ];
  view = {
    settings: loadSettings(memorySource({[file]: conf.join('\n')}), file).settings,
    access: controlOf(ACLS),
    controls: new Controls<Action>([acl, msg, receipt, status, who]),
    messages: new Messages(queue, {write: (line) => log.push(line), written: async () => {}}),
    names: new Names(directory),
    hosts: {resolve: (name) => resolver.resolve(name, OWN)},
    startedAt: performance.now() - 5000,
    down: new DownServers(() => {}),
    shutdown: {request() {}, signal: new AbortController().signal},
  };
});

interface Asked {
  readonly uid?: number;
  readonly options?: Record<string, unknown>;
}

async function run(
  action: Action,
  args: readonly string[],
  {uid = OWN, options = {}}: Asked = {},
): Promise<ControlResult> {
  return action.run({caller: {uid, gid: 65534}, client: 'oc_u1/nogroup', args, options, release() {}}, view);
}

describe('msg', () => {
  test.each([
    [['user', 'dave', 'hi', 'there'], 'hi there', {recipients: 1, engineOff: 0, refused: 0}],
    [['host', 'example.net', 'hi'], 'hi', {recipients: 1, engineOff: 0, refused: 0}],
    [['user', '(none)', 'hi'], 'hi', {recipients: 1, engineOff: 0, refused: 0}],
  ])('%j', async (args, text, details) => {
    expect(await run(msg, args)).toEqual({
      status: 0,
      lines: ['message sent'],
      details: {id: 'm1', unanswered: 0, ...details},
    });
    expect(queue.sent).toEqual([text]);
  });

  test('who gets nothing is said behind the first line', async () => {
    expect(await run(msg, ['all', 'hi'])).toEqual({
      status: 0,
      lines: [
        'message sent',
        'not sent to 1 session: MessageEngine is off',
        'not sent to 1 session: too many messages wait',
      ],
      details: {id: 'm1', recipients: 3, engineOff: 1, refused: 1, unanswered: 0},
    });
    expect(log).toEqual([
      'message m1 from oc_u1/nogroup client to all: 4 sessions, not to 1 session with MessageEngine off',
      'message m1 undelivered to full@localhost (session 1.e, pid 100): too many messages wait for the session',
    ]);
  });

  test.each([
    ['off', -6, 'unable to send message: MessageEngine is off'],
    ['full', -5, 'unable to send message: too many messages wait'],
    ['nobody', -4, 'unable to send message: no such client connected'],
  ])('a message that nobody takes is not called sent: user %s', async (user, code, line) => {
    expect(await run(msg, ['user', user, 'hi'])).toMatchObject({status: code, lines: [line]});
  });

  test('without a queue it is as when nobody is connected', async () => {
    view = {...view, messages: new Messages(null, NO_LOG)};
    expect(await run(msg, ['all', 'hi'])).toMatchObject({
      status: 0,
      lines: ['unable to send message: no such client connected'],
    });
    expect(await run(msg, ['user', 'dave', 'hi'])).toMatchObject({status: -4, binaryStatus: 0});
  });

  test('session processes that do not answer are not nobody', async () => {
    queue.unanswered = 2;
    const silent = 'not sent to the sessions of 2 session processes that do not answer';
    expect(await run(msg, ['user', 'dave', 'hi'])).toEqual({
      status: 0,
      lines: ['message sent', silent],
      details: {id: 'm1', recipients: 1, engineOff: 0, refused: 0, unanswered: 2},
    });
    const nobody = {status: -1, lines: [`unable to send message: ${silent}`], details: {unanswered: 2}};
    for (const options of [{}, {dryRun: true}]) {
      expect(await run(msg, ['user', 'nobody', 'hi'], {options})).toMatchObject(nobody);
    }
    queue = new FakeQueue([]);
    queue.unanswered = 1;
    view = {...view, messages: new Messages(queue, NO_LOG)};
    expect(await run(msg, ['all', 'hi'])).toMatchObject({
      status: -1,
      lines: ['unable to send message: not sent to the sessions of 1 session process that does not answer'],
    });
  });

  test('several lines', async () => {
    const options = {lines: ['one', '', 'three']};
    expect((await run(msg, ['user', 'dave'], {options})).status).toBe(0);
    expect(queue.sent).toEqual(['one\n\nthree']);
  });

  test.each([
    [{lines: []}, [], '"lines" must be a list of texts, in place of words'],
    [{lines: ['a', 1]}, [], '"lines" must be a list of texts, in place of words'],
    [{lines: 'a'}, [], '"lines" must be a list of texts, in place of words'],
    [{lines: ['a']}, ['word'], '"lines" must be a list of texts, in place of words'],
    [{lines: ['a', 'b\rc']}, [], 'line 2: control character U+000D at character 2'],
    [{dryRun: 'yes'}, ['word'], '"dryRun" must be true or false'],
    [{dryRun: null}, ['word'], '"dryRun" must be true or false'],
  ])('%j with %j is refused', async (options, words, line) => {
    expect(await run(msg, ['all', ...words], {options})).toEqual({status: -3, lines: [line]});
    expect(queue.sent).toEqual([]);
  });

  test('one that the queue does not take leaves nothing behind', async () => {
    const {deliver} = queue;
    queue.deliver = () => {
      throw new FtpdctlError('MESSAGE_TOO_LONG', 'the message is too long', 3);
    };
    await expect(async () => run(msg, ['all', 'long'])).rejects.toThrow('too long');
    queue.deliver = deliver;
    await run(msg, ['user', 'dave', 'hi']);
    expect(log).toHaveLength(1);
  });

  test('a dry run says who would get it, and sends nothing', async () => {
    const reply = await run(msg, ['class', 'staff', 'hi'], {options: {dryRun: true}});
    expect(reply).toMatchObject({
      status: 0,
      lines: ['message would be sent to 3 sessions', 'not sent to 1 session: MessageEngine is off'],
      details: {
        recipients: 3,
        engineOff: 1,
        refused: 0,
        sessions: [{user: 'dave'}, {user: 'alice'}, {user: 'full'}],
      },
    });
    expect(reply.details).not.toHaveProperty('id');
    expect(queue.sent).toEqual([]);
  });
});

describe('who', () => {
  test('all sessions, or those an audience means', async () => {
    const {lines, details} = await run(who, []);
    expect(lines[0]).toBe('(none)@localhost on 127.0.0.1#2121: idle 2 s, 1 waiting');
    expect(lines[2]).toBe('alice@example.net on 127.0.0.1#2121, class staff: idle 2 s, 1 waiting');
    expect(details).toMatchObject({
      sessions: [{id: '1.a', user: null, idle: 2, connectedAt: 1000}, {}, {}, {}, {}],
    });
    expect((await run(who, ['host', 'example.net'])).lines).toHaveLength(1);
    expect((await run(who, ['user', 'nobody'])).lines).toEqual(['no sessions']);
    expect(await run(who, ['all', 'surplus'])).toMatchObject({status: -3});
  });

  test('more than an answer holds are counted', async () => {
    queue = new FakeQueue(Array.from({length: 10_000}, (_, index) => session(`1.${index}`)));
    view = {...view, messages: new Messages(queue, NO_LOG)};
    const {lines, details} = await run(who, []);
    const {sessions} = details as {sessions: unknown[]};
    expect(sessions.length).toBeGreaterThan(1000);
    expect(lines.at(-1)).toBe(`and ${10_000 - sessions.length} sessions more`);
    expect(Buffer.byteLength(JSON.stringify({lines, details}))).toBeLessThan(1024 * 1024);
  });
});

describe('receipt', () => {
  test('is for the sender and for those who may send', async () => {
    await run(msg, ['all', 'hi'], {uid: OTHER});
    const answer = {
      status: 0,
      lines: [
        'message m1: shown to 1 of 6 sessions',
        'undelivered to full@localhost: session ended',
        'not yet shown to (none)@localhost',
        'not known of alice@localhost: session process ended while showing it',
        'not known of 2 sessions: an earlier server sent it, or its process has ended',
      ],
      details: {
        id: 'm1',
        recipients: 6,
        shown: 1,
        lost: 1,
        unknown: 3,
        interrupted: [{user: 'alice', host: 'localhost'}],
        unanswered: 0,
        undelivered: [{user: 'full', host: 'localhost', reason: 'session ended'}],
        waiting: [{user: null, host: 'localhost'}],
      },
    };
    expect(await run(receipt, ['m1'], {uid: OTHER})).toEqual(answer);
    expect(await run(receipt, ['m1'], {uid: OWN})).toEqual(answer);
    expect(await run(receipt, ['m1'], {uid: STRANGER})).toMatchObject({status: -2, lines: ['access denied']});
    expect(await run(receipt, ['m9'], {uid: STRANGER})).toMatchObject({status: -2});
  });

  test('says of what an earlier server sent that it did', async () => {
    const message = {
      id: 'm1',
      sender: OWN,
      recipients: 1,
      taken: 0,
      shown: 0,
      lost: 0,
      waiting: 0,
      unknown: 1,
    };
    queue.receipt = () => ({...message, undelivered: [], interrupted: []});
    expect((await run(receipt, ['m1'])).lines).toEqual([
      'message m1: shown to 0 of 1 session',
      'not known of 1 session: an earlier server sent it',
    ]);
  });

  test('names as many sessions as an answer holds, and counts all', async () => {
    const many = 3000;
    const receiptOfMany = {
      ...{id: 'm1', sender: OWN, recipients: 2 * many, taken: many, shown: 0, unknown: 0},
      ...{lost: many, waiting: many, interrupted: []},
      undelivered: Array.from({length: many}, (_, n) => ({
        session: `1.${n}`,
        user: `user${n}`,
        host: 'h'.repeat(200),
        reason: 'session ended',
      })),
    };
    queue.receipt = () => receiptOfMany;
    queue.waitingFor = () =>
      Array.from({length: many}, (_, n) => ({id: `2.${n}`, identity: session(`2.${n}`, {user: `w${n}`})}));
    const {lines, details} = await run(receipt, ['m1']);
    expect(lines).toHaveLength(1 + 100 + 100);
    expect([lines[0], lines[1], lines[100], lines[101], lines[200]]).toEqual([
      `message m1: shown to 0 of ${2 * many} sessions`,
      `undelivered to user0@${'h'.repeat(200)}: session ended`,
      `undelivered to user99@${'h'.repeat(200)}: session ended`,
      'not yet shown to w0@localhost',
      'not yet shown to w99@localhost',
    ]);
    const {undelivered, waiting, lost} = details as {undelivered: object[]; waiting: object[]; lost: number};
    expect(lost).toBe(many);
    expect(waiting).toHaveLength(1000);
    expect(undelivered.length).toBeGreaterThan(1000);
    expect(Buffer.byteLength(JSON.stringify(undelivered))).toBeLessThanOrEqual(400 * 1024 + 1);
    expect(Buffer.byteLength(JSON.stringify({lines, details}))).toBeLessThan(1024 * 1024);
  });

  test('of no message', async () => {
    expect(await run(receipt, ['m9'])).toEqual({status: -4, lines: ["no such message: 'm9'"]});
    expect(await run(receipt, [])).toMatchObject({status: -3});
  });
});

test.each([
  [7, 0],
  [8, 1],
  [15, 1],
  [16, 2],
  [24, 3],
  [1000, 3],
])('of a list, %d bytes hold %d items of eight', (bytes, count) => {
  const items = ['aaaaa', 'bbbbb', 'ccccc'];
  expect(takeWhileFits(items, bytes)).toEqual(items.slice(0, count));
});

test('status tells our client more than its lines', async () => {
  expect(await run(status, ['all'])).toEqual({
    status: 0,
    lines: ['status: 127.0.0.2#21 UP', 'status: 127.0.0.1#2121 UP'],
    details: {uptime: 5, sessions: 5, waiting: 5, engine: true},
  });
});

test.each([
  [help, ['x'], 'wrong number of parameters'],
  [lsctrl, ['x'], 'wrong number of parameters'],
  [who, ['bogus', 'x'], "unknown who type requested: 'bogus'"],
  [who, ['user'], 'who user: missing required user name'],
])('what cannot be understood is refused: %#', async (action, args, line) => {
  expect(await run(action, args)).toMatchObject({status: -3, lines: [line]});
});

describe('a result', () => {
  test('as long as an answer may be is sent, and one byte more is an error', () => {
    const overhead = resultFrame(success(['']), 'json', 'v').length - 4;
    for (const over of [0, 1]) {
      const line = 'x'.repeat(JSON_LIMITS.responseBytes - overhead + over);
      const frame = resultFrame(success([line]), 'json', 'v');
      const {status, responses} = JSON.parse(frame.subarray(4).toString());
      expect([status, responses]).toEqual(over === 0 ? [0, [line]] : [-8, ['the answer is too long']]);
    }
  });
});

describe('acl', () => {
  test('everybody may ask about themselves', async () => {
    const {status, lines, details} = await run(acl, ['check', 'msg'], {uid: STRANGER});
    expect(status).toBe(0);
    expect(lines).toEqual(['msg by 65103/65534 is denied: MessageControlsACLs does not name uid 65103']);
    expect(details).toEqual({
      action: 'msg',
      user: '65103',
      group: '65534',
      allowed: false,
      why: 'denied: MessageControlsACLs does not name uid 65103',
    });
    expect((await run(acl, ['check', 'msg'], {uid: 0})).details).toMatchObject({
      decidedBy: {file: '/d/p.conf', line: 2, text: 'MessageControlsACLs msg allow user oc_u1'},
    });
  });

  test('an action of ours is decided on as the one that has the directive', async () => {
    view = {...view, controls: new Controls<Action>([acl, msg, receipt, who])};
    const {lines, details} = await run(acl, ['check', 'who']);
    expect(lines).toEqual([
      'who (decided as msg is) by 65101/65534 is allowed: /d/p.conf:2 (MessageControlsACLs msg allow user oc_u1) ' +
        'allows user oc_u1 (uid 65101)',
    ]);
    expect(details).toMatchObject({action: 'who', allowed: true});
    expect((await run(acl, ['check', 'receipt'], {uid: STRANGER})).details).toMatchObject({allowed: true});
    expect((await run(acl, ['check', 'who'], {uid: STRANGER})).details).toMatchObject({allowed: false});
  });

  test('who may connect, as the list calls it', async () => {
    expect((await run(acl, ['check', 'connect'])).lines).toEqual([
      'connect by 65101/65534 is allowed: /d/p.conf:1 (ControlsSocketACL allow user *) allows every user',
    ]);
  });

  test('about others, those who may see the configuration', async () => {
    const about = ['check', 'msg', 'user', 'oc_u1', 'group', 'oc_g2'];
    expect(await run(acl, about, {uid: STRANGER})).toMatchObject({status: -2});
    expect(await run(acl, ['list'], {uid: STRANGER})).toMatchObject({status: -2});
    for (const uid of [0, process.geteuid!(), OWN]) {
      expect(await run(acl, about, {uid})).toMatchObject({
        status: 0,
        details: {user: 'oc_u1', allowed: true},
      });
      expect((await run(acl, ['list'], {uid})).lines).toContain('msg: user oc_u1');
    }
  });

  test.each([
    [[], -3],
    [['check'], -3],
    [['check', 'msg', 'user'], -3],
    [['check', 'msg', 'uid', '0'], -3],
    [['list', 'all'], -3],
    [['check', 'msg', 'user', 'no-such'], -4],
    [['check', 'msg', 'group', 'no-such'], -4],
  ])('%j: %d', async (args, code) => {
    expect((await run(acl, args)).status).toBe(code);
  });

  test('somebody who is not there is said to be unknown, by name', async () => {
    const {lines} = await run(acl, ['check', 'msg', 'user', 'no-such']);
    expect(lines).toEqual(['acl: no such user: no-such']);
  });

  test("root and the server's own user may ask about others, and nobody else for their number alone", async () => {
    const geteuid = vi.spyOn(process, 'geteuid').mockReturnValue(65110);
    onTestFinished(() => void geteuid.mockRestore());
    const statuses = [];
    for (const uid of [0, 65110, STRANGER]) statuses.push((await run(acl, ['list'], {uid})).status);
    expect(statuses).toEqual([0, 0, -2]);
  });

  test('what is odd about the lines that decide is said with the verdict', async () => {
    view = {
      ...view,
      access: controlOf(['ControlsSocketACL allow user *', 'MessageControlsACLs msg deny user nosuch']),
    };
    expect((await run(acl, ['check', 'msg'], {uid: 0})).lines.slice(1)).toEqual([
      'note: /d/p.conf:2: no such user: nosuch, dropped',
      "note: /d/p.conf:2: 'MessageControlsACLs msg deny user nosuch' lets everybody in: it names no user there is",
    ]);
    expect((await run(acl, ['check', 'msg'], {uid: STRANGER})).lines).toHaveLength(1);
  });

  test('a socket without an ACL is another matter in older versions, which is said', async () => {
    view = {...view, access: controlOf([])};
    const {lines} = await run(acl, ['check', 'msg'], {uid: 0});
    expect(lines.at(-1)).toContain('ProFTPD up to 1.3.9b and 1.3.10rc2 lets everybody in');
  });
});
