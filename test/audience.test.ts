import {describe, expect, it} from 'vitest';
import {type Audience, type SessionIdentity, selectSessions} from '../src/lib/audience.ts';
import {oracle} from './helpers/oracle.ts';

const dave: SessionIdentity = {
  pid: 1,
  user: 'dave',
  address: '127.0.0.1',
  host: 'localhost',
  class: 'staff',
  server: '127.0.0.1#2121',
  engine: true,
};

/** What the resolver of the measured machine makes of each name. */
const resolved: Record<string, string[]> = {
  localhost: ['127.0.0.1'],
  '127.1': ['127.0.0.1'],
};

function audience(kind: string, name = ''): Audience {
  if (kind === 'all') return {kind};
  if (kind === 'host') return {kind, name, addresses: resolved[name] ?? [name]};
  return {kind: kind as 'user' | 'class', name};
}

interface WireReply {
  /** Absent where the request was not the stock client's. */
  readonly argv?: string[];
  /** Absent where the server closed without a word. */
  readonly reply?: {readonly responses?: string[]; readonly json_text?: string};
}

const SENT = 'message sent';
const NOBODY = 'unable to send message: no such client connected';

describe('with dave logged in, the sessions are those that a real server finds', () => {
  const {server_replies} = oracle<{server_replies: Record<string, Record<string, WireReply>>}>('wire');
  const cases = Object.entries(server_replies).flatMap(([version, replies]) =>
    Object.values(replies).flatMap(({argv: [action, kind, name] = [], reply}) => {
      const {responses = []} = reply?.json_text === undefined ? (reply ?? {}) : JSON.parse(reply.json_text);
      const verdict: string = responses[0] ?? '';
      return action === 'msg' && [SENT, NOBODY].includes(verdict)
        ? [{version, kind: kind!, name, verdict}]
        : [];
    }),
  );

  it('has enough cases to mean something', () => {
    expect(cases.filter(({verdict}) => verdict === NOBODY).length).toBeGreaterThan(6);
    expect(cases.filter(({verdict}) => verdict === SENT).length).toBeGreaterThan(12);
  });

  it.each(cases)('$version: msg $kind $name', ({kind, name, verdict}) => {
    expect(selectSessions(audience(kind, name), [dave])).toEqual(verdict === SENT ? [dave] : []);
  });
});

describe('before and after login, as measured', () => {
  type Answers = Record<string, {readonly client: string}>;
  const {before_login} = oracle<{before_login: Record<string, Record<string, Answers>>}>('inject');
  const cases = Object.entries(before_login).flatMap(([version, states]) =>
    Object.entries(states).flatMap(([state, answers]) =>
      Object.entries(answers)
        .filter(([request]) => request.startsWith('msg '))
        .map(([request, {client}]) => ({version, state, request, client})),
    ),
  );

  it.each(cases)('$version, $state: $request', ({state, request, client}) => {
    const session = {...dave, user: state.startsWith('logged in') ? 'dave' : null};
    const [, kind, name] = request.split(' ');
    const selected = selectSessions(audience(kind!, name?.replace("''", '')), [session]);
    expect(`ftpdctl: ${selected.length > 0 ? SENT : NOBODY}`).toBe(client);
  });
});

describe('host', () => {
  const from = (address: string) => ({...dave, address, host: 'client.example'});

  it.each([
    ['192.0.2.1', ['192.0.2.1'], true],
    ['192.0.2.1', ['::ffff:192.0.2.1'], true],
    ['192.0.2.1', ['::ffff:c000:201'], true],
    ['::ffff:192.0.2.1', ['192.0.2.1'], true],
    ['192.0.2.1', ['192.0.2.2'], false],
    ['1.11.1.1', ['11.1.1.1'], false],
    ['192.0.2.1', ['2001:db8::1', '192.0.2.7', '192.0.2.1'], true],
    ['2001:db8::1', ['192.0.2.1', '2001:db8::1'], true],
    ['2001:db8::1', ['2001:DB8:0:0:0:0:0:1'], true],
    ['2001:db8::1', ['2001:db8::2'], false],
    ['fe80::1%eth0', ['fe80::1'], true],
    ['::1', ['127.0.0.1'], false],
    ['127.0.0.1', [], false],
    ['client.example', ['192.0.2.1'], false],
  ])('a client at %s is meant by a host of %j: %s', (address, addresses, meant) => {
    const wanted: Audience = {kind: 'host', name: 'a.example', addresses};
    expect(selectSessions(wanted, [from(address)])).toHaveLength(meant ? 1 : 0);
  });

  it('does not go by the name a client claims', () => {
    const wanted: Audience = {kind: 'host', name: 'client.example', addresses: ['192.0.2.9']};
    expect(selectSessions(wanted, [from('192.0.2.1')])).toEqual([]);
  });
});

it('a session of no class is in no class', () => {
  const session = {...dave, class: null};
  for (const name of ['', 'null', 'staff'])
    expect(selectSessions({kind: 'class', name}, [session])).toEqual([]);
});

it('a session is known by its id, and by no other name of its own', () => {
  const sessions = ['a', 'b', 'dave'].map((id) => ({...dave, id}));
  expect(selectSessions({kind: 'session', name: 'b'}, sessions)).toEqual([sessions[1]]);
  expect(selectSessions({kind: 'session', name: 'staff'}, sessions)).toEqual([]);
  expect(selectSessions({kind: 'session', name: '1'}, [dave])).toEqual([]);
});

it('keeps the order of the sessions', () => {
  const sessions = ['a', 'b', 'c'].map((user) => ({...dave, user}));
  expect(selectSessions({kind: 'all'}, sessions)).toEqual(sessions);
});
