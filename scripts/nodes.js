import {execFileSync, spawnSync} from 'node:child_process';
import {cpSync, readdirSync, rmSync} from 'node:fs';
import {delimiter, dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

/**
 * `npm run test:nodes [-- VERSION...] [TEST...]`: tests under each Node of test/nodes, or under those named (24), each in a
 * copy of the working tree whose compiled modules are made for it. Without tests named: all but those left out here.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const nodes = join(root, 'test/nodes');
const LEFT_OUT = [
  // Text in, text out.
  'test/{acl,config,diagnosis,protocol,reply,scoreboard}/**',
  'test/*.test.ts',
  'test/cli/options/{help,usageError}.test.ts',
  'test/cli/{details,output/schema}.test.ts',
  // About ProFTPD, the documentation, the packages and the tests themselves.
  'test/integration/{aclVerdicts,manExamples,packages,proftpdCommands,readme,recipes,setup}.test.ts',
  'test/proftpd/measured.test.ts',
  'test/cli/man.test.ts',
  'test/helpers/**',
  // What takes long, and of which other tests have a little. They pass under each when they are named.
  'test/integration/{bans,chaos,client,doctor,fleet,flood,promptPaste,story}.test.ts',
  'test/integration/drain/{daemon,server,steps,takeBack,terminal}.test.ts',
  'test/proftpd/delivery/{churn,receipts}.test.ts',
  'test/{server/malformed,session/restart}.test.ts',
];

const args = process.argv.slice(2);
const versions = args.filter((word) => /^\d+$/.test(word));
const tests = args.filter((word) => !/^\d+$/.test(word));

run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {cwd: nodes});
const failed = [];
for (const name of readdirSync(join(nodes, 'node_modules')).filter((entry) => entry.startsWith('node-'))) {
  if (versions.length > 0 && !versions.includes(name.slice('node-'.length))) continue;
  const {status} = testUnder(join(nodes, 'node_modules', name));
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`tests failed under ${failed.join(', ')}`);
  process.exitCode = 1;
}

/** @param folder the package of a Node: its program, and the headers to compile with */
function testUnder(folder) {
  const node = join(folder, 'bin/node');
  const copy = join(root, '.tmp/nodes', run(node, ['--version']).trim());
  rmSync(copy, {recursive: true, force: true});
  try {
    copyTree(copy);
    const env = {
      ...process.env,
      PATH: [dirname(node), process.env['PATH']].join(delimiter),
      npm_config_nodedir: folder,
    };
    run('npm', ['rebuild', 'unix-dgram', '--loglevel=error'], {cwd: copy, env});
    console.log(`\nNode ${run(node, ['--version']).trim()}`);
    const chosen = tests.length > 0 ? tests : LEFT_OUT.flatMap((glob) => ['--exclude', glob]);
    return spawnSync(node, ['node_modules/vitest/vitest.mjs', 'run', ...chosen], {
      cwd: copy,
      env,
      stdio: 'inherit',
    });
  } finally {
    rmSync(copy, {recursive: true, force: true});
  }
}

/** What git knows of or would add; the packages as links, but for the one that is compiled anew. */
function copyTree(copy) {
  const files = run('git', ['ls-files', '-co', '--exclude-standard', '-z']).split('\0').filter(Boolean);
  for (const file of files) cpSync(join(root, file), join(copy, file));
  run('cp', ['-al', 'node_modules', join(copy, 'node_modules')]);
  rmSync(join(copy, 'node_modules/unix-dgram'), {recursive: true});
  cpSync(join(root, 'node_modules/unix-dgram'), join(copy, 'node_modules/unix-dgram'), {recursive: true});
}

function run(command, words, options = {}) {
  return execFileSync(command, words, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });
}
