import {mkdtempSync} from 'node:fs';
import {userInfo} from 'node:os';
import {join} from 'node:path';

/**
 * A fresh directory in which `ftpdctl` keeps its caches: it keeps nothing below `/tmp`, where everybody may write, nor
 * for root outside of root's own home. The caller removes it.
 */
export function makeHome() {
  return mkdtempSync(join(userInfo().homedir, '.ftpdctl-bench-'));
}
