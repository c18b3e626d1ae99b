import {afterEach, expect, test, vi} from 'vitest';
import {OPEN, type RunningServer, startControlsServer} from '../helpers/controlsServer.ts';
import {ask} from '../helpers/exchange.ts';

const {lookup} = vi.hoisted(() => ({lookup: vi.fn()}));
vi.mock('node:dns/promises', () => ({lookup}));

let running: RunningServer;
afterEach(async () => {
  vi.restoreAllMocks();
  await running.stop();
});

test('a client that has waited for a slot longer than ControlsAuthFreshness is told so, and nothing is done', async () => {
  let found = (_: {address: string}[]) => {};
  const looking = new Promise<void>((resolve) => {
    lookup.mockImplementation(() => {
      resolve();
      return new Promise((answer) => {
        found = answer;
      });
    });
  });
  running = await startControlsServer([...OPEN, 'ControlsMaxClients 1', 'ControlsAuthFreshness 10']);
  const first = ask(running.socket, 'json', 'status', 'slow.invalid');
  await looking;
  const second = ask(running.socket, 'json', 'rmctrl', 'status');
  // A third that is refused needs no slot: when it has its answer, the second waits.
  expect((await ask(running.socket, 'json', 'nosuch')).status).toBe(-7);
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now + 10_001);
  found([{address: '192.0.2.1'}]);
  expect((await first).responses).toEqual(['status: no server associated with 192.0.2.1#21']);
  expect(await second).toMatchObject({status: -1, responses: ['error: stale connection']});
  vi.restoreAllMocks();
  lookup.mockResolvedValue([{address: '192.0.2.1'}]);
  expect((await ask(running.socket, 'json', 'status', 'all')).status).toBe(0);
});
