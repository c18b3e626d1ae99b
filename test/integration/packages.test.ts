import {execFile} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {describeWithPeer, whyNoProgram} from '../helpers/peers.ts';

const run = promisify(execFile);
/** What the packages are told of the time of their source, in seconds. */
const MADE = Date.UTC(2010, 0, 2, 3, 4, 5) / 1000;

/** `/` seen through a layer in memory, in a mount namespace of its own that ends with the script: nothing reaches the machine. */
const IN_LAYER = `
  set -e
  layer=$1; shift
  mount -t tmpfs -o mode=755 tmpfs "$layer"
  mkdir "$layer/upper" "$layer/work" "$layer/root" "$layer/files"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
  mount -t proc proc "$layer/root/proc"
  mount --bind /dev "$layer/root/dev"
  mount -t tmpfs -o mode=1777 tmpfs "$layer/root/tmp"
  mount -t tmpfs -o mode=755 tmpfs "$layer/root/run"
  cp "$@" "$layer/root/run/"
  set -- $(for file; do echo "/run/$(basename "$file")"; done)
  exec chroot "$layer/root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive sh "$@"
`;

const missing =
  process.getuid?.() === 0
    ? (['dpkg-deb', 'rpmbuild', 'lintian', 'strip', 'unshare', 'systemd-analyze', 'man']
        .map(whyNoProgram)
        .find((why) => why !== null) ?? null)
    : 'installing packages wants root';

describeWithPeer(missing, 'the packages of distributions', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ftpdctl-packages-'));
  const packages: {deb: string; rpm: string} = {deb: '', rpm: ''};

  beforeAll(async () => {
    const build = [
      '-c',
      'umask 077; exec node "$@"',
      'sh',
      'packaging/build.js',
      '--quick',
      '--output',
      folder,
    ];
    await run('sh', build, {env: {...process.env, SOURCE_DATE_EPOCH: String(MADE)}});
    const [deb, rpm] = ['.deb', '.rpm'].map((end) => readdirSync(folder).find((file) => file.endsWith(end)));
    packages.deb = join(folder, deb!);
    packages.rpm = join(folder, rpm!);
  }, 180_000);
  afterAll(() => rmSync(folder, {recursive: true, force: true}));

  it('say when their source was made, not when and where they were', async () => {
    const format = '%{BUILDTIME} %{BUILDHOST}\n[%{FILEMTIMES}\n]';
    const {stdout} = await run('rpm', ['--query', '--package', '--queryformat', format, packages.rpm]);
    const [built, ...files] = stdout.trim().split('\n');
    expect(built).toBe(`${MADE} localhost`);
    expect(Math.max(...files.map(Number))).toBe(MADE);
    const {stdout: log} = await run('sh', [
      '-c',
      'dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/share/doc/ftpdctl/changelog.Debian.gz | gzip -d',
      'sh',
      packages.deb,
    ]);
    expect(log).toContain('Sat, 02 Jan 2010 03:04:05 +0000');
  });

  it("have files that everybody can read, whatever their maker's umask is", async () => {
    const {stdout} = await run('rpm', ['--query', '--list', '--verbose', '--package', packages.rpm]);
    const {stdout: contents} = await run('dpkg-deb', ['--contents', packages.deb], {maxBuffer: 1e7});
    const modes = new Set(`${stdout}${contents}`.match(/^\S+/gm));
    expect([...modes].sort()).toEqual(['-rw-r--r--', '-rwxr-xr-x', 'drwxr-xr-x', 'lrwxrwxrwx']);
  });

  it.concurrent('satisfy lintian but for what is explained', async () => {
    const {stdout} = await run('lintian', ['--allow-root', '--fail-on', 'error,warning', packages.deb]);
    expect(stdout).toBe('');
  }, 120_000);

  it.concurrent('install beside the stock client, work without a Node, and give everything back', async () => {
    const layer = mkdtempSync(join(tmpdir(), 'ftpdctl-layer-'));
    try {
      const script = join(import.meta.dirname, 'packages.sh');
      const {stdout} = await run(
        'unshare',
        [
          '--mount',
          '--pid',
          '--fork',
          '--kill-child',
          'sh',
          '-c',
          IN_LAYER,
          'sh',
          layer,
          script,
          packages.deb,
          packages.rpm,
        ],
        {timeout: 150_000},
      );
      expect(stdout.match(/^ok: /gm)).toHaveLength(readFileSync(script, 'utf8').match(/^seen '/gm)!.length);
    } finally {
      rmSync(layer, {recursive: true, force: true});
    }
  }, 160_000);
});
