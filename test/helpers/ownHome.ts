import {mkdtempSync, rmSync} from 'node:fs';
import {userInfo} from 'node:os';
import {join} from 'node:path';

/**
 * A fresh home directory in which `ftpdctl` keeps its files: one below the account's own, since nothing is kept below
 * `/tmp`, where everybody may write, nor for root outside of root's own home.
 */
export function makeOwnHome(): string {
  return mkdtempSync(join(userInfo().homedir, '.ftpdctl-test-'));
}

export function removeOwnHome(home: string): void {
  rmSync(home, {recursive: true, force: true});
}
