import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {buildSync} from 'esbuild';
import {expect, test} from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Receives what is logged in a mount namespace of its own, so that no /dev/log of the system is needed or touched. */
const LOG = `
import os, socket, subprocess, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind('/dev/log')
log.settimeout(10)
subprocess.run(sys.argv[1:], check=True)
for _ in range(2): sys.stdout.buffer.write(log.recv(65536) + b'\\n')
`;

const MOUNTS = `
mkdir /mnt/dev
for name in null urandom zero; do touch /mnt/dev/$name; mount --bind /dev/$name /mnt/dev/$name; done
mount --rbind /mnt/dev /dev
exec "$@"
`;

test.skipIf(process.getuid?.() !== 0)('writes to the log of the system', () => {
  const directory = mkdtempSync(join(root, 'node_modules/.cache/syslog-'));
  try {
    const {stdout, stderr} = logged(
      directory,
      "writeSyslog('100%s %n Grüße'); writeSyslog('a\\0b\\n\\x9b\\u202e');",
    );
    expect(stderr).toBe('');
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      expect.stringMatching(/^<29>.* ftpdctl\[\d+\]: 100%s %n Grüße$/),
      expect.stringMatching(/^<29>.* ftpdctl\[\d+\]: a\\x00b\\x0a\\x9b\\u202e$/),
    ]);
  } finally {
    rmSync(directory, {recursive: true});
  }
});

function logged(directory: string, statements: string) {
  const outfile = join(directory, 'program.mjs');
  buildSync({
    stdin: {
      contents: `import {writeSyslog} from './src/lib/transport/syslog.ts'; ${statements}`,
      resolveDir: root,
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
  const script = `mount -t tmpfs none /mnt\n${MOUNTS}`;
  const command = ['sh', '-ec', script, 'sh', 'python3', '-c', LOG, process.execPath, outfile];
  return spawnSync('unshare', ['-m', ...command], {encoding: 'utf8'});
}
