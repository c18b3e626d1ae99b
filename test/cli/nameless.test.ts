import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {chownSync, mkdtempSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {checkoutFor, removeCopy} from '../helpers/checkout.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {runFtpdctl} from '../helpers/program.ts';

/** A uid without an account, as containers have it: no name, no home. */
const NAMELESS = 4999;
const OTHER = 65_534;

describeWithPeer(
  process.getuid?.() === 0 ? null : 'only root can be somebody without a name',
  'a user without a name',
  () => {
    let directory: string;
    beforeEach(() => {
      directory = mkdtempSync('/tmp/nameless-');
      chownSync(directory, NAMELESS, NAMELESS);
    });
    afterEach(() => {
      rmSync(directory, {recursive: true, force: true});
      removeCopy();
    });

    const env = () => ({HOME: undefined, XDG_RUNTIME_DIR: directory});

    test.each([
      [['--help'], 0],
      [['--version'], 0],
      [['msg', '--help'], 0],
      [['serve', '--print-config'], 0],
      [['serve', '--check'], 0],
      [['acl', 'check', 'msg', '--config', '/dev/null'], 1],
      [['completion', 'bash'], 0],
      [['-s', '/nonexistent', 'who'], 1],
      [['-s', '/nonexistent', 'msg', 'all', 'hi'], 1],
    ] as const)('may run %j', async (args, status) => {
      expect(await runFtpdctl(args, {uid: NAMELESS, env: env(), cwd: '/'})).toMatchObject({status});
    });

    test('has a serve to itself', async () => {
      const program = join(checkoutFor(NAMELESS), 'bin', 'run.js');
      const serve = spawn(process.execPath, [program, 'serve'], {
        uid: NAMELESS,
        gid: NAMELESS,
        cwd: '/',
        env: {PATH: process.env['PATH'], ...env()},
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const ended = once(serve, 'exit');
      let stderr = '';
      serve.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      try {
        await vi.waitFor(() => expect(stderr).toContain('listening at'), {timeout: 10_000});
        const run = (uid: number) => runFtpdctl(['msg', 'all', 'hi'], {uid, env: env(), cwd: '/'});
        expect(await run(NAMELESS)).toMatchObject({status: 0});
        const socket = join(directory, 'ftpdctl/ftpdctl.sock');
        const other = await runFtpdctl(['-s', socket, 'help'], {uid: OTHER, cwd: '/'});
        expect(other).toMatchObject({
          status: 1,
          stderr: expect.stringContaining('permission denied') as string,
        });
      } finally {
        serve.kill();
        await ended;
      }
    });
  },
);
