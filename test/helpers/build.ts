import {execFileSync} from 'node:child_process';
import {existsSync, readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {CHECKOUT} from './checkout.ts';

const SCRIPT = join(CHECKOUT, 'scripts', 'build.js');

/** Vitest global set-up: tests that run the program run what the sources say now, so build once when they are newer. */
export default function build(): void {
  if (!existsSync(SCRIPT) || !isStale()) return;
  execFileSync(process.execPath, [SCRIPT], {cwd: CHECKOUT, stdio: ['ignore', 'ignore', 'inherit']});
}

function isStale(): boolean {
  const built = newest(join(CHECKOUT, 'dist'));
  return ['src', 'scripts/build.js', 'package.json'].some((path) => newest(join(CHECKOUT, path)) > built);
}

/** Time of the latest change at or under a path in milliseconds; 0 when there is nothing. */
function newest(path: string): number {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}
