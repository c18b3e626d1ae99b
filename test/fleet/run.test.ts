import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {ClientMemory} from '../../src/lib/fleet/clients.ts';
import {parseHosts} from '../../src/lib/fleet/hosts.ts';
import {runOnHosts} from '../../src/lib/fleet/run.ts';

test('what goes wrong with us on one host is its outcome, and no other’s', async () => {
  const directory = mkdtempSync('/tmp/frun-');
  const ssh = join(directory, 'ssh');
  writeFileSync(ssh, '#!/bin/sh\nexec sh\n', {mode: 0o755});
  writeFileSync(join(directory, 'ftpdctl'), '#!/bin/sh\necho ftpdctl/9.9.9\n', {mode: 0o755});
  const env = {FTPDCTL_SSH: ssh, PATH: `${directory}:${process.env['PATH']}`};
  try {
    const outcomes = await runOnHosts(parseHosts('a,b'), {
      task: async ({name}) => {
        if (name === 'a') throw new TypeError('a slip');
        return name;
      },
      memory: new ClientMemory({HOME: '/nonexistent'}),
      fanout: 2,
      timeout: 10_000,
      sudo: false,
      env,
      signal: new AbortController().signal,
    });
    expect(outcomes.get('a')).toMatchObject({kind: 'failed', error: {code: 'INTERNAL'}, mayBeDone: true});
    expect(outcomes.get('b')).toMatchObject({kind: 'done', value: 'b'});
  } finally {
    rmSync(directory, {recursive: true});
  }
});
