import {execFileSync, spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, it, vi} from 'vitest';

const KEEPER = join(import.meta.dirname, 'keeper.sh');

const DYING_TEST = `
  const {spawn} = require('node:child_process');
  const [keeper, directory] = process.argv.slice(1);
  const daemon = spawn('sleep', ['60'], {detached: true, stdio: 'ignore'});
  spawn('sh', [keeper, daemon.pid, directory], {detached: true, stdio: ['pipe', 'ignore', 'ignore']});
  process.stdout.write(String(daemon.pid), () => process.kill(process.pid, 'SIGKILL'));
`;

it('ends a daemon and removes its files when the test process is killed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'keeper-'));
  const {stdout, signal} = spawnSync(process.execPath, ['-e', DYING_TEST, KEEPER, directory], {
    encoding: 'utf8',
  });
  expect(signal).toBe('SIGKILL');
  const daemon = Number(stdout);
  expect(daemon).toBeGreaterThan(1);

  await vi.waitFor(() => expect(existsSync(directory)).toBe(false), {timeout: 10_000});
  // No process, or one that only waits for its new parent to take note.
  expect(['', 'Z']).toContain(stateOf(daemon));
});

function stateOf(pid: number): string {
  if (!existsSync(`/proc/${pid}`)) return '';
  return execFileSync('sh', ['-c', 'cut -d" " -f3 "/proc/$1/stat" 2>/dev/null || :', 'sh', String(pid)], {
    encoding: 'utf8',
  }).trim();
}
