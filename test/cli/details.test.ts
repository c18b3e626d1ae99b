import {expect, test} from 'vitest';
import {DETAILS_SCHEMAS} from '../../src/lib/protocol/details.ts';
import {speak} from '../helpers/behaviours.ts';
import {runFtpdctl} from '../helpers/program.ts';
import {startScriptedServer} from '../helpers/scriptedServer.ts';

const SESSION = {
  id: 's1',
  pid: 1,
  user: null,
  host: 'work.example',
  address: '192.0.2.7',
  class: null,
  server: '127.0.0.1#21',
  engine: true,
  connectedAt: 1,
  idle: 0.5,
  waiting: 0,
};
const SOUND = {
  who: {sessions: [SESSION], omitted: 0},
  status: {uptime: 1, sessions: 1, waiting: 0, engine: true},
  kick: {ended: 1, meant: 2},
  msg: {id: 'm1', recipients: 1, engineOff: 0, refused: 0, unanswered: 0},
  receipt: {
    id: 'm1',
    recipients: 1,
    shown: 1,
    lost: 0,
    undelivered: [],
    unknown: 0,
    unanswered: 0,
    waiting: [],
  },
  check: {action: 'msg', user: 'dave', group: 'staff', allowed: true, why: 'so it is'},
  list: {actions: [{action: 'msg', who: 'nobody', rules: []}], findings: []},
} as const;
type Subject = keyof typeof SOUND;

/** Runs `ftpdctl` against what answers as `ftpdctl serve` does, with sound details but for one action. */
async function runAgainst(args: readonly string[], subject: Subject, details: unknown) {
  const told: Record<string, unknown> = {...SOUND, [subject]: details};
  const server = await startScriptedServer(
    speak('json', ({action, args: [word = '']}) => {
      const identity = {version: '9.9.9', maxRequest: 65_536};
      const said = told[action === 'acl' ? word : action];
      const body = JSON.stringify({
        status: 0,
        responses: ['answered'],
        ftpdctl: said === undefined ? identity : {...identity, details: said},
      });
      return Buffer.concat([Buffer.from(Uint32Array.of(Buffer.byteLength(body)).buffer), Buffer.from(body)]);
    }),
  );
  try {
    return await runFtpdctl(['-s', server.socket, ...args]);
  } finally {
    await server.stop();
  }
}

const COMMANDS: readonly (readonly [Subject, readonly string[]])[] = [
  ['who', ['who']],
  ['status', ['status']],
  ['kick', ['kick', 'user', 'dave']],
  ['msg', ['msg', 'all', 'hi']],
  ['msg', ['msg', '--dry-run', 'all', 'hi']],
  ['receipt', ['msg', '--wait=5', 'all', 'hi']],
  ['check', ['acl', 'check', 'msg']],
  ['list', ['acl', 'list']],
];

test.each(COMMANDS)('%s: sound details are used by %j', async (subject, args) => {
  expect(await runAgainst(args, subject, SOUND[subject])).toMatchObject({status: 0, stderr: ''});
});

const NONSENSE = [null, 'text', [], {}] as const;

test.each(
  COMMANDS.flatMap(([subject, args]) => NONSENSE.map((details) => [args, details, subject] as const)),
)('%j: details %j are a failure that is told', async (args, details, subject) => {
  const {status, stderr} = await runAgainst(args, subject, details);
  expect({status, stderr}).toEqual({
    status: 1,
    stderr: expect.stringContaining('the server gives details that make no sense: details') as string,
  });
});

test.each([
  ['who', {sessions: {}, omitted: 0}, '/sessions must be array'],
  ['who', {sessions: [null], omitted: 0}, '/sessions/0 must be object'],
  ['who', {sessions: [{...SESSION, user: {}}], omitted: 0}, '/sessions/0/user must be string'],
  ['who', {sessions: [SESSION], omitted: -1}, '/omitted must be >= 0'],
  ['msg', {...SOUND.msg, id: 7}, '/id must be string'],
  ['msg', {...SOUND.msg, recipients: 0.5}, '/recipients must be integer'],
] as const)('%s: %j', async (subject, details, why) => {
  const args = subject === 'who' ? ['who'] : ['msg', 'all', 'hi'];
  const {status, stderr} = await runAgainst(args, subject, details);
  expect({status, stderr}).toEqual({status: 1, stderr: expect.stringContaining(`details${why}`) as string});
});

test('every shape there is has been asked for', () => {
  expect(Object.keys(DETAILS_SCHEMAS)).toHaveLength(Object.keys(SOUND).length);
});
