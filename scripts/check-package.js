import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

/** What a user gets: packs the package, installs it into an empty folder, runs it, and compiles against its types. */
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ftpdctl-package-'));
const run = (command, args, options = {}) =>
  execFileSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });

try {
  run('npm', ['pack', '--silent', '--pack-destination', folder], {cwd: root});
  writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  const [archive] = run('ls', []).match(/ftpdctl-.*\.tgz/);
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `./${archive}`]);

  const program = join(folder, 'node_modules/.bin/ftpdctl');
  expect(run(program, ['--version']).startsWith('ftpdctl/'), 'the program tells its version');
  expect(run(program, ['--help']).includes('msg'), 'the program shows its help');

  const example = `import {connect, ControlsClient, type Answer, type Daemon, STATUS} from 'ftpdctl';
const client = new ControlsClient({socket: '/nonexistent/socket', timeout: 100});
const failed: string = await client.message(['all'], 'hi').then((answer: Answer) => String(answer.verdict === STATUS.OK), (error) => error.code);
if (failed !== 'SOCKET_MISSING') throw new Error(failed);
const daemon: Daemon = connect({socket: '/nonexistent/socket', timeout: 100});
const refused: string = await daemon.sessions({user: 'dave'}).then(({kind}) => kind, (error) => error.code);
if (refused !== 'SOCKET_MISSING') throw new Error(refused);
`;
  writeFileSync(join(folder, 'example.ts'), example);
  const options = [
    '--outDir',
    '.',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--strict',
    '--skipLibCheck',
    'false',
  ];
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node'];
  run(join(root, 'node_modules/.bin/tsc'), [...options, ...types, 'example.ts'], {stdio: 'inherit'});
  run(process.execPath, ['example.js']);
  checkLinks(join(folder, 'node_modules/ftpdctl'));
  checkMending(archive);
  console.log('the package installs, runs and compiles');
} finally {
  rmSync(folder, {recursive: true, force: true});
}

/** What the README names is in the package. */
function checkLinks(installed) {
  const readme = readFileSync(join(installed, 'README.md'), 'utf8');
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link);
  expect(links.length > 0, 'the README has links');
  for (const link of links) expect(existsSync(join(installed, link)), `${link} is in the package`);
}

/** Without the compiled unix-dgram npm reports success, and the command that we name mends it. */
function checkMending(archive) {
  const config = join(folder, 'proftpd.conf');
  writeFileSync(config, `MessageQueue ${folder}/queue\n`);
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];
  const global = join(folder, 'global');
  const mends = (program, command) => {
    const check = () => run(program, ['serve', '--check', '--config', config]);
    const [, named] = /no message will be delivered: .*\((npm .*): it is compiled/.exec(check()) ?? [];
    expect(named === command, `${program} names ${command}, not ${named}`);
    run('npm', [...command.split(' ').slice(1), ...quiet], {cwd: '/'});
    expect(!check().includes('no message'), `${command} mends it`);
  };
  mkdirSync(global);
  run('npm', ['install', '--global', '--prefix', global, '--ignore-scripts', ...quiet, `./${archive}`]);
  mends(join(global, 'bin/ftpdctl'), `npm rebuild --global --prefix ${global} unix-dgram`);
  rmSync(join(folder, 'node_modules/unix-dgram'), {recursive: true});
  mends(join(folder, 'node_modules/.bin/ftpdctl'), `npm install --prefix ${folder}`);
}

function expect(truth, what) {
  if (!truth) throw new Error(`not so: ${what}`);
}
