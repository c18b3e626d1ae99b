import {once} from 'node:events';

/** End servers in good order, one after the other. */
export async function ended(...children) {
  for (const child of children) {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}
