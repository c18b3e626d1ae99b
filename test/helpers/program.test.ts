import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {checkoutFor} from './checkout.ts';
import {describeWithPeer} from './peers.ts';
import {runProcess} from './process.ts';
import {cleanEnvironment} from './program.ts';

const NODE = process.execPath;

describe('running a program', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'program-'));
  });
  afterAll(() => rmSync(home, {recursive: true, force: true}));

  const node = (script: string, options: object = {}) =>
    runProcess(NODE, ['-e', script], {env: cleanEnvironment(home), ...options});

  it('gives back its outputs and its exit status', async () => {
    const result = await node('console.log("out"); console.error("err"); process.exitCode = 7');
    expect(result).toEqual({status: 7, signal: null, stdout: 'out\n', stderr: 'err\n'});
  });

  it('gives back the signal that ended it', async () => {
    const result = await node('process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000)');
    expect(result).toMatchObject({status: null, signal: 'SIGTERM'});
  });

  it('feeds it its input, or none', async () => {
    const cat = 'process.stdin.pipe(process.stdout)';
    expect((await node(cat, {input: 'grüße\n'})).stdout).toBe('grüße\n');
    expect((await node(cat)).stdout).toBe('');
  });

  it('hands down nothing of its own environment', async () => {
    const {stdout} = await node('console.log(Object.keys(process.env).sort().join())');
    expect(stdout.trim()).toBe(Object.keys(cleanEnvironment(home)).sort().join());
  });

  it('kills one that does not end', async () => {
    await expect(node('setInterval(() => {}, 1000)', {timeout: 300})).rejects.toThrow(/more than 300 ms/);
  });

  it('says when there is no such program', async () => {
    await expect(runProcess('/no/such/program', [], {env: {}})).rejects.toThrow('ENOENT');
  });
});

describeWithPeer(
  process.getuid?.() === 0 ? null : 'only root can be somebody else',
  'being somebody else',
  () => {
    it('takes uid, gid and no other group', async () => {
      const script = 'console.log(process.geteuid(), process.getegid(), process.getgroups().join())';
      const {stdout} = await runProcess(NODE, ['-e', script], {
        env: {PATH: process.env['PATH']},
        uid: 33,
        gid: 1,
      });
      expect(stdout).toBe('33 1 1\n');
    });

    it('finds a checkout that the other may read', async () => {
      const file = join(checkoutFor(65_534), 'package.json');
      const {status} = await runProcess('test', ['-r', file], {
        env: {PATH: process.env['PATH']},
        uid: 65_534,
      });
      expect(status).toBe(0);
    });
  },
);
