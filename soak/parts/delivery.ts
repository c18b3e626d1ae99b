import {spawnSync} from 'node:child_process';

/**
 * The tests' churn of deliveries, for longer: rounds of eight senders at once to the sessions of a real ProFTPD, which
 * come and go. It needs what the tests need, so they run it.
 */
export async function run({seconds, seed}: {seconds: number; seed: number}) {
  const args = [
    'vitest',
    'run',
    'test/proftpd/deliveryChurn.test.ts',
    '-t',
    'lose nothing',
    '--reporter=verbose',
  ];
  const {status, stdout, stderr} = spawnSync('npx', args, {
    encoding: 'utf8',
    env: {...process.env, SOAK_SECONDS: String(seconds), SOAK_SEED: String(seed), NO_COLOR: '1'},
    timeout: (seconds + 120) * 1000,
  });
  const found = /^churn: (.*)$/m.exec(stdout)?.[1];
  return {ok: status === 0 && found !== undefined, summary: found ?? `${stdout}${stderr}`};
}
