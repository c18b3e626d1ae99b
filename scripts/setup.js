import {execFileSync} from 'node:child_process';
import {statSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

/** All that a fresh clone needs before anything runs: the packages, then the build. Quick when both are there. */
const root = fileURLToPath(new URL('..', import.meta.url));
const modified = (path) => statSync(`${root}${path}`, {throwIfNoEntry: false})?.mtimeMs ?? 0;

if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  console.log('Installing packages (once) …');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {cwd: root, stdio: 'inherit'});
}
const {default: ensureBuilt} = await import('./build.js');
await ensureBuilt();
