import {execFileSync, spawnSync} from 'node:child_process';
import {chmodSync, existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/** Root of this checkout. */
export const CHECKOUT = join(import.meta.dirname, '..', '..');

/** What `bin/run.js` needs in order to run. */
const RUNTIME = ['bin', 'dist', 'package.json', 'oclif.manifest.json', 'node_modules'];

let copy: string | undefined;

/**
 * A checkout that a user can read: this one, or, where a clone lies in a private directory, a copy of what the
 * program needs (of hard links where the file system allows). `removeCopy` removes that.
 */
export function checkoutFor(uid: number | undefined): string {
  if (uid === undefined || isReadable(uid)) return CHECKOUT;
  copy ??= makeCopy();
  return copy;
}

/** Removes the copy, if one was made. */
export function removeCopy(): void {
  if (copy !== undefined) rmSync(copy, {recursive: true, force: true});
  copy = undefined;
}

function isReadable(uid: number): boolean {
  const as = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  return spawnSync('setpriv', [...as, 'test', '-r', join(CHECKOUT, 'package.json')]).status === 0;
}

function makeCopy(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ftpdctl-checkout-'));
  chmodSync(directory, 0o755);
  const parts = RUNTIME.filter((name) => existsSync(join(CHECKOUT, name)));
  const script = 'cp -al "$@" 2>/dev/null || cp -a "$@"';
  execFileSync('sh', ['-c', script, 'sh', ...parts, directory], {cwd: CHECKOUT});
  return directory;
}
