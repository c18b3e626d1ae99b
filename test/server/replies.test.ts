import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {ControlResponse, Dialect} from '../../src/lib/protocol/message.ts';
import type {Mailbox} from '../../src/lib/session/mailbox/mailbox.ts';
import {openMailbox} from '../../src/lib/session/mailbox/processMailbox.ts';
import {OPEN, type RunningServer, startControlsServer} from '../helpers/controlsServer.ts';
import {ask} from '../helpers/exchange.ts';
import {oracle} from '../helpers/oracle.ts';

interface Case {
  readonly argv?: readonly string[];
  readonly reply: {
    readonly json_text?: string;
    readonly status?: number;
    readonly responses?: readonly string[];
  };
}
type Replies = Record<string, Case>;

const {server_replies: replies} = oracle<{server_replies: Record<string, Replies>}>('wire');

/** The session that was logged in when the answers were measured. */
const DAVE = {
  pid: process.pid,
  user: 'dave',
  address: '127.0.0.1',
  host: 'localhost',
  class: 'staff',
  server: '127.0.0.1#2121',
  engine: true,
};

/** The actions that our server has in common with a ProFTPD. */
const COMMON = ['down', 'help', 'insctrl', 'kick', 'lsctrl', 'msg', 'rmctrl', 'shutdown', 'status', 'up'];
const OWN = ['acl', 'receipt', 'who'];

/** Answers that are others on purpose, and why. */
const DELIBERATE: Readonly<Record<string, Record<Dialect, ControlResponse>>> = {
  // The measured daemons were told to do without IPv6.
  msg_host_v6: {
    json: {status: -4, responses: ['unable to send message: no such client connected']},
    binary: {status: 0, responses: ['unable to send message: no such client connected']},
  },
};

/** mod_msg says −1 or 0 in every version; our JSON answers have the statuses that 1.3.9 has for such things. */
function richer({status, responses}: ControlResponse, action: string): ControlResponse {
  if (action !== 'msg') return {status, responses};
  const [line = ''] = responses;
  if (line === 'access denied') return {status: -2, responses};
  if (/missing required|unknown msg type/.test(line)) return {status: -3, responses};
  if (/no such client connected|error resolving/.test(line)) return {status: -4, responses};
  return {status, responses};
}

function measured(dialect: Dialect, {reply, argv = []}: Case): ControlResponse {
  const {status, responses} = reply.json_text ? JSON.parse(reply.json_text) : reply;
  return dialect === 'json' ? richer({status, responses}, argv[0]!) : {status, responses};
}

/** Of the lists of controls only those we have, too. */
function common({status, responses}: ControlResponse, known: readonly string[]): ControlResponse {
  return {status, responses: responses.filter((line) => known.includes(/^\w+/.exec(line)![0]))};
}

const versions = [
  ['binary', '1.3.8'],
  ['json', '1.3.10rc5'],
] as const;

describe.each(versions)('answers in the %s dialect are those of ProFTPD %s', (dialect, version) => {
  let running: RunningServer;
  let mailbox: Mailbox;

  beforeAll(async () => {
    running = await startControlsServer(OPEN);
    mailbox = openMailbox({queuePath: running.queue});
    mailbox.register(DAVE);
    while ((await ask(running.socket, 'json', 'who')).responses[0] === 'no sessions') {}
  });
  afterAll(async () => {
    await mailbox?.close();
    await running?.stop();
  });

  // In their order: rmctrl and insctrl change what the next ones find.
  const cases = Object.entries(replies[version]!).filter(
    ([name, {argv}]) => argv !== undefined && !/denied|no_acl/.test(name),
  );
  test.each(cases)('%s', async (name, each) => {
    const [action, ...args] = each.argv as [string, ...string[]];
    const {status, responses} = await ask(running.socket, dialect, action, ...args);
    const expected = DELIBERATE[name]?.[dialect] ?? measured(dialect, each);
    const isList = action === 'lsctrl' || action === 'help';
    if (isList && expected.status === 0) {
      expect(common({status, responses}, COMMON)).toEqual(common(expected, COMMON));
      expect(common({status, responses}, OWN).responses).toHaveLength(OWN.length);
      expect(responses).toEqual([...responses].sort());
    } else {
      expect({status, responses}).toEqual(expected);
    }
  });

  test('after rmctrl all, insctrl brings the controls back, which a ProFTPD cannot', async () => {
    expect((await ask(running.socket, dialect, 'rmctrl', 'all')).status).toBe(0);
    const left = await ask(running.socket, dialect, 'lsctrl');
    expect(left.responses).toEqual(['insctrl (mod_ctrls.c)', 'lsctrl (mod_ctrls.c)', 'rmctrl (mod_ctrls.c)']);
    expect((await ask(running.socket, dialect, 'insctrl', 'all')).responses).toEqual([
      "'all' control enabled",
    ]);
    expect((await ask(running.socket, dialect, 'msg', 'all', 'hi')).responses).toEqual(['message sent']);
  });
});

/** The directives under which the answers of that name were measured. */
const DENIALS: Readonly<Record<string, readonly string[]>> = {
  acl_denied: [
    'ControlsSocketACL allow user *',
    'ControlsACLs all deny user *',
    'MessageControlsACLs all deny user *',
  ],
  help_has: ['ControlsSocketACL allow user *'],
  socket_denied: ['ControlsSocketACL deny user *', 'MessageControlsACLs all allow user *'],
  no_acl: ['ControlsSocketACL allow user *'],
};

describe.each(versions)('refusals in the %s dialect are those of ProFTPD %s', (dialect, version) => {
  const cases = Object.entries(replies[version]!).filter(([name]) => /denied|no_acl/.test(name));
  test.each(cases)('%s', async (name, each) => {
    const [, acls] = Object.entries(DENIALS).find(([prefix]) => name.startsWith(prefix))!;
    const running = await startControlsServer(acls);
    try {
      const [action, ...args] = (each.argv ?? ['msg', 'all', 'hi']) as [string, ...string[]];
      const {status, responses} = await ask(running.socket, dialect, action, ...args);
      const expected = measured(dialect, {...each, argv: [action]});
      if (action === 'help' && expected.status === 0) expect(status).toBe(0);
      else expect({status, responses}).toEqual(expected);
    } finally {
      await running.stop();
    }
  });
});
