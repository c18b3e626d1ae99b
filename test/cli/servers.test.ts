import {afterEach, expect, test} from 'vitest';
import {OPEN, type RunningServer, startControlsServer} from '../helpers/controlsServer.ts';
import {runFtpdctl} from '../helpers/program.ts';

let running: RunningServer;
afterEach(() => running.stop());

const HOSTS = Array.from({length: 20}, (_, index) => `127.0.1.${index + 1}`);

async function run(...args: readonly string[]) {
  const {status, stdout} = await runFtpdctl(['-s', running.socket, ...args]);
  return {status, lines: stdout.replaceAll('ftpdctl: ', '').trimEnd().split('\n')};
}

test('down all and up all take each server that is not so yet, however many there are', async () => {
  const hosts = HOSTS.flatMap((host) => [`<VirtualHost ${host}>`, '</VirtualHost>']);
  running = await startControlsServer([...OPEN, 'DefaultAddress 127.0.0.1', ...hosts]);
  const first = `${HOSTS[0]}#21`;
  expect(await run('down', first)).toEqual({status: 0, lines: [`down: ${first} disabled`]});
  const down = await run('down', 'all');
  expect(down.status).toBe(0);
  expect([...down.lines].sort()).toEqual(
    ['127.0.0.1', ...HOSTS.slice(1)].map((host) => `down: ${host}#21 disabled`).sort(),
  );
  expect((await run('up', first)).lines).toEqual([`up: ${first} enabled`]);
  const up = await run('up', 'all');
  expect(up.status).toBe(0);
  expect([...up.lines].sort()).toEqual(
    ['127.0.0.1', ...HOSTS.slice(1)].map((host) => `up: ${host}#21 enabled`).sort(),
  );
  const nothingToDo = await run('up', 'all');
  expect(nothingToDo.status).toBe(0);
  expect(nothingToDo.lines).toContain(`status: ${first} UP`);
  expect(running.controlsLog().join('\n')).not.toContain("client: 'down all'");
});

test('request sends the word itself', async () => {
  running = await startControlsServer([...OPEN, 'DefaultAddress 127.0.0.1']);
  expect(await run('request', 'down', 'all')).toEqual({status: 0, lines: ['down: all servers disabled']});
  expect(await run('request', 'up', 'all')).toEqual({
    status: 4,
    lines: ["up: unable to resolve address for 'all'"],
  });
});

test.each([
  ['status', ['AdminControlsACLs up,down allow user *']],
  ['up', ['AdminControlsACLs status,down allow user *']],
])('a denied %s is the answer', async (_action, acls) => {
  running = await startControlsServer([
    'ControlsSocketACL allow user *',
    ...acls,
    'DefaultAddress 127.0.0.1',
  ]);
  await run('down', '127.0.0.1');
  expect(await run('up', 'all')).toEqual({status: 2, lines: ['access denied']});
});
