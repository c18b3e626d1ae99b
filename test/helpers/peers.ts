import {existsSync} from 'node:fs';
import {delimiter, join} from 'node:path';
import {describe} from 'vitest';

/**
 * A suite that needs a program this project does not ship. `missing` says why the program is not there, or is `null`
 * when it is. Without it the suite is skipped under a name that says so; where `CI` is set that is an error, since
 * continuous integration must run everything.
 */
export function describeWithPeer(missing: string | null, name: string, suite: () => void): void {
  if (missing === null) {
    describe(name, suite);
  } else if (process.env['CI']) {
    throw new Error(`${name}: ${missing}`);
  } else {
    describe.skip(`${name} (skipped: ${missing})`, suite);
  }
}

/** Why `describeWithPeer` must do without this program, or `null`: it is to be found as a shell would find it. */
export function whyNoProgram(program: string): string | null {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .some((folder) => existsSync(join(folder, program)));
  return found ? null : `${program} is not installed`;
}
