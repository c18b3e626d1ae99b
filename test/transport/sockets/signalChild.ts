import {fork} from 'node:child_process';
import {once} from 'node:events';
import builtin from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
import {streamSocket} from '../../../src/lib/transport/libc.ts';
import {bindClientPath} from '../../../src/lib/transport/sockets/connection.ts';

/*
 * Binds a client path and is met by a signal at the moment the file is there. With several signals, it does so in a
 * process for each, and tells its parent which signal ended each of them, and which paths are there still.
 */
const fs: {-readonly [K in keyof typeof builtin]: (typeof builtin)[K]} = builtin;
const signals = process.argv.slice(2) as NodeJS.Signals[];
const [signal] = signals;

if (signals.length === 1 && signal !== undefined) {
  const {lstatSync} = fs;
  fs.lstatSync = ((path: string) => {
    fs.lstatSync = lstatSync;
    syncBuiltinESMExports();
    process.send!(path);
    process.kill(process.pid, signal);
    return lstatSync(path);
  }) as typeof lstatSync;
  syncBuiltinESMExports();
  bindClientPath(streamSocket());
  setTimeout(() => {}, 5000);
} else {
  const left = [];
  const endings: Record<string, unknown> = {};
  for (const each of signals) {
    const child = fork(process.argv[1]!, [each]);
    const said = once(child, 'message');
    const [, by] = await once(child, 'exit');
    const [path] = await said;
    endings[each] = by;
    if (fs.existsSync(String(path))) left.push(each);
    fs.rmSync(String(path), {force: true});
  }
  process.send!({endings, left});
}
