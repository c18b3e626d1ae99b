import {execFileSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {Script} from 'node:vm';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {Recent} from '../../src/lib/cli/prompt/recent.ts';
import {speak} from '../helpers/behaviours.ts';
import {CHECKOUT} from '../helpers/checkout.ts';
import {makeOwnHome, removeOwnHome} from '../helpers/ownHome.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';
import {cleanEnvironment, runFtpdctl} from '../helpers/program.ts';
import {startScriptedServer} from '../helpers/scriptedServer.ts';

const ATTACKER = 65_534;
const PROGRAM = join(CHECKOUT, 'dist', 'program.cjs');

let directory: string;
/** Of the attacker; root runs with it as HOME, as `sudo -E`, `env_keep` or a service's environment make it. */
let home: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ftpdctl-foreign-'));
  chmodSync(directory, 0o755);
  home = join(directory, 'home');
  mkdirSync(home);
  chownSync(home, ATTACKER, ATTACKER);
});
afterEach(() => rmSync(directory, {recursive: true, force: true}));

/** Make something in the home as its user would have. */
function theirs(name: string, make: (path: string) => void): string {
  const path = join(home, name);
  const missing: string[] = [];
  for (let above = dirname(path); above !== home; above = dirname(above)) missing.unshift(above);
  for (const above of missing) {
    mkdirSync(above, {recursive: true});
    chownSync(above, ATTACKER, ATTACKER);
  }
  make(path);
  lchownSync(path, ATTACKER, ATTACKER);
  return path;
}

/** Everything below a directory, with what tells whether it was touched. */
function contents(path: string): string[] {
  return readdirSync(path, {recursive: true, encoding: 'utf8'})
    .sort()
    .map((name) => {
      const {uid, mode, size, ino} = lstatSync(join(path, name));
      return `${name} ${uid} ${mode.toString(8)} ${size} ${ino}`;
    });
}

/** What `start.ts` would take for its own compiled code, and which prints a word instead. */
function poison(): Buffer {
  const {size, mtimeMs, ctimeMs, ino} = statSync(PROGRAM);
  const key = `${process.version} ${process.arch} ${size} ${mtimeMs} ${ctimeMs} ${ino}\n`;
  const opening = '(function (module, require, __import, __url) {';
  const attack = `${opening}require('fs').writeSync(1, 'euid ' + process.geteuid()); process.exit(99)`;
  // V8 knows a source by its length alone.
  const script = new Script(`${attack}${' '.repeat(size - attack.length - 3)}\n})`, {filename: PROGRAM});
  try {
    script.runInThisContext()({}, {}, () => ({writeSync() {}}));
  } catch {
    // `process.exit` is not to be had within a test; by now the function is compiled.
  }
  const code = script.createCachedData();
  return Buffer.concat([Buffer.from(key, 'latin1'), code, code]);
}

/** The program with all of its packages but one. */
function programWithout(missing: string): string {
  const program = join(directory, 'program');
  const packages = join(program, 'node_modules');
  mkdirSync(packages, {recursive: true});
  // koffi looks for its other half from where it really is.
  const copied = ['bin', 'dist', 'package.json', 'oclif.manifest.json', 'node_modules/koffi'];
  for (const part of copied) execFileSync('cp', ['-al', join(CHECKOUT, part), join(program, part)]);
  const linked = readdirSync(join(CHECKOUT, 'node_modules')).filter((name) => !name.startsWith('.'));
  for (const name of linked) {
    if (name !== 'koffi') symlinkSync(join(CHECKOUT, 'node_modules', name), join(packages, name));
  }
  rmSync(join(packages, missing), {recursive: true});
  return join(program, 'bin', 'run.js');
}

describeWithPeer(
  process.getuid?.() === 0 ? null : 'only root can be attacked by another user',
  "root with another user's home",
  () => {
    test('the attack works where the code is its own', async () => {
      const own = makeOwnHome();
      try {
        mkdirSync(join(own, '.cache/ftpdctl'), {recursive: true, mode: 0o700});
        writeFileSync(join(own, '.cache/ftpdctl/program.code'), poison(), {mode: 0o600});
        expect(await runFtpdctl(['help'], {home: own})).toMatchObject({status: 99, stdout: 'euid 0'});
      } finally {
        removeOwnHome(own);
      }
    });

    test.each([
      ['the compiled code', '.cache/ftpdctl/program.code', 'program.code'],
      ['its directory', '.cache/ftpdctl', '.'],
    ])('runs no code behind a link in place of %s', async (_name, link, target) => {
      // Root's by its owner, as /proc/PID/environ of a process that may not be traced is; the contents are the attacker's.
      mkdirSync(join(directory, 'rootly'), {mode: 0o755});
      writeFileSync(join(directory, 'rootly', 'program.code'), poison(), {mode: 0o644});
      theirs(link, (path) => symlinkSync(join(directory, 'rootly', target), path));
      const {status, stdout} = await runFtpdctl(['-s', '/nonexistent', 'help'], {home});
      expect({status, stdout}).toEqual({status: 1, stdout: ''});
    });

    test.each([
      ['nothing in it', () => {}],
      ['a directory for caches', () => void theirs('.cache/ftpdctl', (path) => mkdirSync(path))],
      [
        'a link to a directory of root',
        () => void theirs('.cache/ftpdctl', (path) => symlinkSync(join(directory, 'roots'), path)),
      ],
      ['no home at all', () => rmSync(home, {recursive: true})],
    ])('keeps nothing there: %s', async (_name, prepare) => {
      mkdirSync(join(directory, 'roots'), {mode: 0o700});
      writeFileSync(join(directory, 'roots', 'program.code'), 'precious');
      prepare();
      const before = contents(directory);
      const server = await startScriptedServer(speak('binary', {status: 0, responses: ['message sent']}));
      try {
        const run = await runFtpdctl(['-s', server.socket, 'msg', 'all', 'hi'], {home, cwd: directory});
        expect(run).toMatchObject({status: 0, stderr: ''});
      } finally {
        await server.stop();
      }
      new Recent({HOME: home}).add('user', 'dave');
      expect(contents(directory)).toEqual(before);
    });

    test.each([
      '@koromix',
      'koffi',
    ])('loads no package of theirs where %s is not installed', async (missing) => {
      const program = programWithout(missing);
      const proof = join(directory, 'proof');
      for (const name of ['koffi', `@koromix/koffi-${process.platform}-${process.arch}`]) {
        theirs(`.node_modules/${name}/index.js`, (path) =>
          writeFileSync(path, `require('fs').writeFileSync(${JSON.stringify(proof)}, '')`),
        );
      }
      const options = {env: cleanEnvironment(home), cwd: home};
      const run = await runProcess(process.execPath, [program, '-s', '/nonexistent', 'lsctrl'], options);
      expect(existsSync(proof)).toBe(false);
      expect(run).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/^ftpdctl: .* koffi is not installed .*\n$/),
      });
    });

    test.each(['', 'relative'])('a HOME of %j is not the current directory', async (value) => {
      const env = {HOME: value, XDG_CACHE_HOME: undefined, XDG_STATE_HOME: undefined};
      await runFtpdctl(['-s', '/nonexistent', 'help'], {home, env, cwd: directory});
      expect(readdirSync(directory)).toEqual(['home']);
    });

    test.each([['--help'], ['msg', '--help']])('%s %s loads no plugin of theirs', async (...args) => {
      const plugin = join(home, 'plugin');
      theirs('plugin/package.json', (path) =>
        writeFileSync(path, JSON.stringify({name: 'p', version: '1.0.0', oclif: {commands: './commands'}})),
      );
      const proof = join(directory, 'proof');
      theirs('plugin/commands/p.js', (path) =>
        writeFileSync(path, `require('fs').writeFileSync(${JSON.stringify(proof)}, '')`),
      );
      theirs('.local/share/ftpdctl/package.json', (path) =>
        writeFileSync(path, JSON.stringify({oclif: {plugins: [{name: 'p', type: 'link', root: plugin}]}})),
      );
      expect(await runFtpdctl(args, {home})).toMatchObject({status: 0, stderr: ''});
      expect(readdirSync(directory)).toEqual(['home']);
    });
  },
);
