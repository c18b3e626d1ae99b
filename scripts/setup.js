import {spawnSync} from 'node:child_process';
import {statSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

/** All that a fresh clone needs before anything runs: the packages, then the build. Quick when both are there. */
const root = fileURLToPath(new URL('..', import.meta.url));
const modified = (path) => statSync(`${root}${path}`, {throwIfNoEntry: false})?.mtimeMs ?? 0;

if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  console.log('Installing packages (once) …');
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const {status} = spawnSync('npm', args, {cwd: root, stdio: 'inherit'});
  if (status !== 0) process.exit(status ?? 1);
}
const {default: ensureBuilt} = await import('./build.js');
await ensureBuilt();
