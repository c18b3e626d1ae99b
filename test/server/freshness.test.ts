import {afterEach, expect, test, vi} from 'vitest';
import {help} from '../../src/lib/server/actions/controls.ts';
import {OPEN, type RunningServer, startControlsServer} from '../helpers/controlsServer.ts';
import {ask} from '../helpers/exchange.ts';

const {lookup} = vi.hoisted(() => ({lookup: vi.fn()}));
vi.mock('node:dns/promises', () => ({lookup}));

let running: RunningServer;
afterEach(async () => {
  vi.restoreAllMocks();
  await running.stop();
});

/** Something that is called, and goes on when it is told to. */
function held<T>() {
  let end = (_: T) => {};
  let called = () => {};
  const isCalled = new Promise<void>((resolve) => {
    called = resolve;
  });
  const call = () => {
    called();
    return new Promise<T>((resolve) => {
      end = resolve;
    });
  };
  return {call, isCalled, end: (value: T) => end(value)};
}

test('a client that has waited for its turn longer than ControlsAuthFreshness is told so, and nothing is done', async () => {
  const slow = held<{status: 0; lines: string[]}>();
  vi.spyOn(help, 'run').mockImplementation(slow.call);
  running = await startControlsServer([...OPEN, 'ControlsMaxClients 1', 'ControlsAuthFreshness 10']);
  const first = ask(running.socket, 'json', 'help');
  await slow.isCalled;
  const second = ask(running.socket, 'json', 'rmctrl', 'status');
  // A third that is refused needs no turn: when it has its answer, the second waits.
  expect((await ask(running.socket, 'json', 'nosuch')).status).toBe(-7);
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now + 10_001);
  slow.end({status: 0, lines: ['helped']});
  expect((await first).responses).toEqual(['helped']);
  expect(await second).toMatchObject({status: -1, responses: ['error: stale connection']});
  vi.restoreAllMocks();
  lookup.mockResolvedValue([{address: '192.0.2.1'}]);
  expect((await ask(running.socket, 'json', 'status', 'all')).status).toBe(0);
});

test('whoever waits for a name server keeps nobody else waiting, and is answered before the server ends', async () => {
  const slow = held<{address: string}[]>();
  lookup.mockImplementation(slow.call);
  running = await startControlsServer([...OPEN, 'ControlsMaxClients 1']);
  const waiting = ask(running.socket, 'json', 'status', 'slow.invalid');
  await slow.isCalled;
  expect((await ask(running.socket, 'json', 'lsctrl')).status).toBe(0);
  const closing = running.server.close();
  slow.end([{address: '192.0.2.1'}]);
  expect((await waiting).responses).toEqual(['status: no server associated with 192.0.2.1#21']);
  await closing;
});
