import {execFileSync, spawn} from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {arch, tmpdir} from 'node:os';
import {dirname, join, relative, resolve} from 'node:path';
import {parseArgs} from 'node:util';
import {gzipSync} from 'node:zlib';

/**
 * `npm run package [-- --output FOLDER] [--quick]`: a .deb and an .rpm for this machine's architecture, with a Node of
 * their own. Wants dpkg-deb, rpmbuild, strip and a C++ compiler. `--quick` hardly compresses them: for tests.
 */
const {output, quick} = parseArgs({
  options: {output: {type: 'string', default: 'packages'}, quick: {type: 'boolean', default: false}},
}).values;
const here = import.meta.dirname;
const root = resolve(here, '..');
const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** Debian's number of this build of the version. */
const debian = `${version.replaceAll('-', '~')}-1`;
const {DEBEMAIL: email = 'ftpdctl@localhost', DEBFULLNAME: author = 'The ftpdctl authors'} = process.env;
const architecture = {x64: {deb: 'amd64', rpm: 'x86_64'}, arm64: {deb: 'arm64', rpm: 'aarch64'}}[arch()];

/** Where all that stands which nobody looks for elsewhere. */
const HOME = 'usr/lib/ftpdctl';
/** The Node beside the program; options that somebody has set for another Node may be none of its own, and keep it from starting. */
const INTERPRETER = `#!/usr/bin/env -S -u NODE_OPTIONS -u NODE_PATH /${HOME}/node`;
/** Of the published package, what runs. */
const PROGRAM = [
  'bin',
  'dist/start.cjs',
  'dist/program.cjs',
  'dist/commands.cjs',
  'oclif.manifest.json',
  'package.json',
  'schemas',
];
/** Of the packages that it requires, what only compilers, editors and readers want. */
const NOT_RUN = [
  /\/(\.bin|@types|undici-types|nan|benchmark|spec|test|koffi\/(src|vendor|lib|doc)|unix-dgram\/src|obj\.target|\.deps)(\/|$)/,
  /\/(Makefile|cnoke\.cjs|licen[cs]e[^/]*|\.[^/]*)$/i,
  /\.(md|markdown|map|gypi?|mk|ts|[cm]ts|yml)$/,
  /\/koffi-[^/]+\/musl_[^/]+(\/|$)/,
];

/** What an administrator runs most, by what it needs (`src/start.ts`), wherever it is built. */
const USUAL = {msg: ['msg', 'all', 'hi'], status: ['status'], who: ['who'], help: ['--help']};

// Two builds of one commit are the same, whoever builds them, when and where, but for the compiled code.
process.umask(0o022);
process.env['SOURCE_DATE_EPOCH'] ??= sourceDate();

const folder = mkdtempSync(join(tmpdir(), 'ftpdctl-package-'));
try {
  if (!architecture) throw new Error(`packaging/package.json has no Node for ${arch()}`);
  mkdirSync(output, {recursive: true});
  const runtime = installRuntime();
  const published = installProgram(runtime);
  const tree = join(folder, 'tree');
  layOut(tree, published, runtime);
  await keepCompiledCode(join(tree, HOME));
  for (const file of [makeDeb(tree, published), makeRpm(tree, published)]) {
    console.log(`${file}: ${megabytes(statSync(file).size)}`);
  }
  reportSizes(join(tree, HOME));
} finally {
  rmSync(folder, {recursive: true, force: true});
}

/** When the last commit was made, in seconds; of a copy without Git, when its change log was written. */
function sourceDate() {
  try {
    return run('git', ['log', '-1', '--format=%ct'], {cwd: root}).trim();
  } catch {
    return String(Math.floor(statSync(join(root, 'CHANGELOG.md')).mtimeMs / 1000));
  }
}

/** The folder of the Node to bring along; npm checks it against packaging/package-lock.json. */
function installRuntime() {
  const place = join(folder, 'runtime');
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(here, file), join(place, file));
  npm(place, 'ci');
  const runtime = join(place, `node_modules/node-linux-${arch()}`);
  const lts = run(join(runtime, 'bin/node'), ['-p', 'process.release.lts ?? ""']).trim();
  if (lts === '') throw new Error('the Node of packaging/package.json is not a long-term release');
  return runtime;
}

/** The package as it is published, with its dependencies as they are locked, compiled for that Node. */
function installProgram(runtime) {
  const place = join(folder, 'published');
  mkdirSync(place);
  run('npm', ['pack', '--silent', '--pack-destination', folder], {cwd: root});
  run('tar', ['-xzf', join(folder, `ftpdctl-${version}.tgz`), '-C', place, '--strip-components=1']);
  cpSync(join(root, 'package-lock.json'), join(place, 'package-lock.json'));
  npm(place, 'ci', '--omit=dev', '--ignore-scripts');
  npm(place, 'rebuild', 'unix-dgram', `--nodedir=${runtime}`);
  return place;
}

/** The files that are the same in both packages. */
function layOut(tree, published, runtime) {
  const home = join(tree, HOME);
  for (const entry of PROGRAM) cpSync(join(published, entry), join(home, entry), {recursive: true});
  const modules = join(published, 'node_modules');
  const isRun = (file) => !NOT_RUN.some((pattern) => pattern.test(file.slice(modules.length)));
  cpSync(modules, join(home, 'node_modules'), {recursive: true, filter: isRun});
  run('find', [join(home, 'node_modules'), '-type', 'd', '-empty', '-delete']);
  cpSync(join(runtime, 'bin/node'), join(home, 'node'));
  run('strip', ['--strip-unneeded', join(home, 'node'), ...addons(home)]);
  const start = join(home, 'bin/run.js');
  writeFileSync(start, readFileSync(start, 'utf8').replace(/^#!.*/, INTERPRETER));

  cpSync(join(here, 'systemd'), join(tree, 'usr/lib/systemd'), {recursive: true});
  write(join(tree, 'etc/ftpdctl/serve.conf'), readFileSync(join(here, 'serve.conf')));
  const completions = (file, place) =>
    cpSync(join(published, 'completions', file), join(tree, 'usr/share', place));
  completions('ftpdctl.bash', 'bash-completion/completions/ftpdctl');
  completions('ftpdctl.fish', 'fish/vendor_completions.d/ftpdctl.fish');
  const documents = join(tree, 'usr/share/doc/ftpdctl');
  write(join(documents, 'changelog.gz'), gzip(readFileSync(join(published, 'CHANGELOG.md'))));
  write(join(documents, 'copyright'), copyright(published, runtime));
  write(join(documents, 'README.md'), readFileSync(join(published, 'README.md')));
  write(join(documents, 'recipes.md'), readFileSync(join(published, 'docs/recipes.md')));
  run('chmod', ['-R', 'u=rwX,go=rX', tree]);
  run('chmod', ['755', start]);
  run('chmod', ['644', ...addons(home)]);
}

/** What distributions look for in different places. */
function addFor(tree, published, {man, zsh, link}) {
  for (const page of readdirSync(join(published, 'man')).filter((file) => file.endsWith('.8')))
    write(join(tree, man, `${page}.gz`), gzip(readFileSync(join(published, 'man', page))));
  write(join(tree, zsh, '_ftpdctl'), readFileSync(join(published, 'completions/ftpdctl.zsh')));
  // The first line of what this links to starts the Node beside it.
  mkdirSync(join(tree, dirname(link)), {recursive: true});
  symlinkSync(relative(dirname(link), `${HOME}/bin/run.js`), join(tree, link));
}

/** The compiled code of what is run most, for those, too, who have no home to keep it in (`src/start.ts`). */
async function keepCompiledCode(home) {
  const node = join(home, 'node');
  const socket = join(folder, 'ftpdctl.sock');
  const configuration = join(folder, 'serve.conf');
  writeFileSync(
    configuration,
    `ControlsEngine on\nControlsSocket ${socket}\nControlsSocketACL allow user *\nMessageControlsACLs all allow user *\n`,
  );
  const env = {PATH: process.env['PATH'], HOME: ''};
  const server = spawn(node, [join(home, 'bin/run.js'), 'serve', '--config', configuration], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await new Promise((listening, failed) => {
    server.stderr.once('data', listening);
    server.once('exit', () => failed(new Error('ftpdctl serve did not start')));
  });
  const keep = `
    const {existsSync, writeFileSync} = require('node:fs');
    const [home, use, ...words] = process.argv.slice(1);
    const {main, compiledCode} = require(home + '/dist/start.cjs');
    main(words).then((status) => {
      if (use === 'msg' && status !== 0) throw new Error('exit status ' + status);
      for (const name of ['program.code', use + '.code']) {
        const file = home + '/dist/' + name;
        if (name in compiledCode && !existsSync(file)) writeFileSync(file, compiledCode[name]());
      }
      process.exit(0);
    });`;
  try {
    for (const [use, words] of Object.entries(USUAL))
      run(node, ['-e', keep, home, use, '-s', socket, ...words], {env});
  } finally {
    server.kill();
  }
}

/** What Debian adds: control files, which also take and give back the names that proftpd-core has, too. */
function makeDeb(tree, published) {
  const place = join(folder, 'deb');
  cpSync(tree, place, {recursive: true, verbatimSymlinks: true});
  addFor(place, published, {
    man: 'usr/share/man/man8',
    zsh: 'usr/share/zsh/vendor-completions',
    link: 'usr/bin/ftpdctl',
  });
  write(
    join(place, 'usr/share/lintian/overrides/ftpdctl'),
    readFileSync(join(here, 'deb/lintian-overrides')),
  );
  write(join(place, 'usr/share/doc/ftpdctl/changelog.Debian.gz'), gzip(debianChangelog()));
  const size = run('du', ['-sk', place]).split('\t')[0];
  const sums = run('find', ['.', '-type', 'f', '-not', '-path', './etc/*', '-printf', '%P\\0'], {cwd: place});
  const md5sums = run('md5sum', ['--', ...sums.split('\0').filter(Boolean).sort()], {cwd: place});
  const control = join(place, 'DEBIAN');
  cpSync(join(here, 'deb'), control, {
    recursive: true,
    filter: (file) => !file.endsWith('lintian-overrides'),
  });
  const fields = {
    VERSION: debian,
    ARCHITECTURE: architecture.deb,
    SIZE: size,
    MAINTAINER: `${author} <${email}>`,
  };
  const template = readFileSync(join(here, 'deb/control'), 'utf8');
  write(
    join(control, 'control'),
    template.replaceAll(/\$\{(\w+)\}/g, (_, field) => fields[field]),
  );
  write(join(control, 'md5sums'), md5sums);
  run('chmod', ['-R', 'u=rwX,go=rX', place]);
  run('chmod', ['755', ...['preinst', 'postinst', 'prerm', 'postrm'].map((script) => join(control, script))]);
  const file = join(output, `ftpdctl_${debian}_${architecture.deb}.deb`);
  run('dpkg-deb', ['--root-owner-group', ...(quick ? ['-Zgzip', '-z1'] : ['-Zxz']), '--build', place, file]);
  return file;
}

function debianChangelog() {
  const date = new Date(process.env['SOURCE_DATE_EPOCH'] * 1000).toUTCString().replace('GMT', '+0000');
  return `ftpdctl (${debian}) unstable; urgency=medium

  * New release; changelog.gz tells what is new.

 -- ${author} <${email}>  ${date}
`;
}

/** RPM has no diversions: the program stands before the stock one on the path, in /usr/local, and its manual likewise. */
function makeRpm(tree, published) {
  const place = join(folder, 'rpm');
  cpSync(tree, place, {recursive: true, verbatimSymlinks: true});
  addFor(place, published, {
    man: 'usr/local/share/man/man8',
    zsh: 'usr/share/zsh/site-functions',
    link: 'usr/local/bin/ftpdctl',
  });
  const definitions = {
    _topdir: join(folder, 'rpmbuild'),
    _rpmdir: resolve(output),
    _build_name_fmt: '%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
    _buildhost: 'localhost',
    use_source_date_epoch_as_buildtime: '1',
    clamp_mtime_to_source_date_epoch: '1',
    _binary_payload: quick ? 'w1.gzdio' : 'w6.xzdio',
    tree: place,
    program_version: version.replaceAll('-', '~'),
  };
  const options = Object.entries(definitions).flatMap(([key, value]) => ['--define', `${key} ${value}`]);
  run('rpmbuild', [
    '-bb',
    '--quiet',
    '--target',
    architecture.rpm,
    ...options,
    join(here, 'rpm/ftpdctl.spec'),
  ]);
  return join(output, `ftpdctl-${definitions.program_version}-1.${architecture.rpm}.rpm`);
}

/** Machine-readable, as Debian's policy 12.5 has it: the program, and all that it brings along. */
function copyright(published, runtime) {
  const own = readFileSync(join(published, 'LICENSE'), 'utf8');
  const others = [
    ['Node.js', join(runtime, 'LICENSE')],
    ['What is bundled into the program', join(published, 'dist/THIRD-PARTY-NOTICES.txt')],
    ...packagesOf(join(published, 'node_modules')),
  ];
  const paragraphs = others.map(
    ([name, file]) => `${'-'.repeat(78)}\n${name}\n\n${readFileSync(file, 'utf8')}`,
  );
  return `ftpdctl\n\n${own}\n${paragraphs.join('\n')}`;
}

/** Each package that stays, with the file of its licence. */
function packagesOf(modules) {
  return run('find', [modules, '-iname', 'licen[cs]e*', '-type', 'f'])
    .trim()
    .split('\n')
    .map((file) => [relative(modules, dirname(file)), file])
    .filter(([name]) => !NOT_RUN[0].test(`/${name}/`))
    .sort();
}

function reportSizes(home) {
  const parts = {Node: 'node', program: 'dist', packages: 'node_modules'};
  const sizes = Object.entries(parts).map(([name, entry]) => {
    const [bytes] = run('du', ['-sb', join(home, entry)]).split('\t');
    return `${name} ${megabytes(Number(bytes))}`;
  });
  console.log(`unpacked: ${sizes.join(', ')}`);
}

/** Compiled modules, which are neither run nor executable, but loaded. */
function addons(home) {
  return run('find', [join(home, 'node_modules'), '-name', '*.node'])
    .trim()
    .split('\n');
}

function npm(place, ...args) {
  run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'], {cwd: place});
}

/** @throws Error with what the command wrote to standard error */
function run(command, args, options = {}) {
  return execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1e8,
    ...options,
  });
}

function write(file, content) {
  mkdirSync(dirname(file), {recursive: true});
  writeFileSync(file, content);
}

/** Without a time in it, so that two builds are the same. */
function gzip(content) {
  return gzipSync(content, {level: 9});
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
