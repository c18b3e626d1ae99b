import {execFileSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {basename} from 'node:path';
import {fileURLToPath} from 'node:url';
import {Ajv} from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import {build as bundle, transform} from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

const common = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20',
  // Native modules, and what only the slow commands load: installed with the package.
  external: ['@inquirer/core', 'ajv', 'any-ascii', 'inquirer', 'koffi', 'typescript', 'unix-dgram'],
  logLevel: 'warning',
  metafile: true,
};

/**
 * Fill dist/: the program as two scripts, whose compiled code can be cached (`start.cjs` does); the library as an ES
 * module with its types; and the commands as oclif's manifest wants to read them.
 */
export async function build({types = false} = {}) {
  const bundles = await Promise.all([
    bundle({
      ...common,
      entryPoints: {start: 'src/start.ts'},
      format: 'cjs',
      outExtension: {'.js': '.cjs'},
      minify: true,
    }),
    buildProgram(),
    bundle({...common, entryPoints: {index: 'src/index.ts'}, format: 'esm'}),
    bundle({
      ...common,
      entryPoints: {oclif: 'src/oclif.ts'},
      format: 'esm',
      external: [...common.external, '@oclif/core'],
    }),
  ]);
  writeNotices(bundles.flatMap(({metafile}) => Object.keys(metafile.inputs)));
  if (types) {
    // The types of a file that is gone would be packed with the others.
    rmSync(`${root}dist/types`, {recursive: true, force: true});
    execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.types.json'], {cwd: root, stdio: 'inherit'});
  }
}

/** The licences of the packages that are bundled in. */
function writeNotices(inputs) {
  const packages = new Set(inputs.flatMap((file) => file.match(/^node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []));
  const notices = [...packages].sort().map((folder) => {
    const {name, version, license} = JSON.parse(readFileSync(`${root}${folder}/package.json`, 'utf8'));
    const file = readdirSync(`${root}${folder}`).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(`${root}${folder}/${file}`, 'utf8') : `License: ${license}\n`;
    return `${name} ${version}\n\n${text}`;
  });
  writeFileSync(`${root}dist/THIRD-PARTY-NOTICES.txt`, notices.join(`\n${'-'.repeat(80)}\n\n`));
}

/** Of esbuild's files, the one that `start.cjs` asks for. */
const MAIN = './main.js';

/** What these need is the first script, and is read on every run. */
const FIRST_NEEDED = [
  'src/main.ts',
  'src/commands/msg.ts',
  'src/lib/client/detailsValidators.ts',
  'src/lib/daemon/find.ts',
];

/**
 * `program.cjs` and `commands.cjs`, made of the files in which esbuild would have the program loaded piece by piece. Those
 * that are needed first become one module, which exports what the others ask for, by the names of the files; each of the
 * others stays a module, to be run when it is asked for.
 * @returns esbuild's result, for its list of inputs
 */
async function buildProgram() {
  const split = await bundle({
    ...common,
    entryPoints: {main: 'src/main.ts'},
    format: 'esm',
    splitting: true,
    minify: true,
    write: false,
    plugins: [bindOclifOnFirstUse, compileDetailsSchemas],
    define: {'import.meta.url': '__url'},
  });
  const texts = new Map(
    split.outputFiles.map(({path, text}) => [
      `./${basename(path)}`,
      text.replaceAll(LATE_IMPORT, 'require($1).default'),
    ]),
  );
  const {outputs} = split.metafile;
  const about = (name) => outputs[`dist/${basename(name)}`];
  const importsOf = (name, kinds) =>
    about(name).imports.flatMap(({path, kind, external}) =>
      !external && kinds.includes(kind) ? [`./${basename(path)}`] : [],
    );
  const first = new Set();
  const add = (name) => {
    if (first.has(name)) return;
    first.add(name);
    importsOf(name, ['import-statement']).forEach(add);
  };
  const names = [...texts.keys()];
  names.filter((name) => FIRST_NEEDED.includes(about(name).entryPoint)).forEach(add);
  const later = names.filter((name) => !first.has(name));
  const asked = new Set(later.flatMap((name) => importsOf(name, ['import-statement', 'dynamic-import'])));
  const exported = [...first].filter((name) => name === MAIN || asked.has(name));
  const namesOf = new Map(exported.map((name) => [name, about(name).exports]));
  writeScript('program', await joinFiles(texts, first, namesOf));
  const modules = later.map(async (name) => {
    const {code} = await transform(texts.get(name), {format: 'cjs', minify: true, target: common.target});
    return `"${name}"(module) {${code}}`;
  });
  writeScript('commands', `module.exports = {${(await Promise.all(modules)).join()}};`);
  return split;
}

/**
 * Several files as one module, in which what was to be loaded later is still run later. It exports functions that give the
 * exports of some files by their names: few runs ask for any, and an object for each costs memory.
 */
async function joinFiles(texts, joined, exported) {
  const imports = [...exported.keys()].map((file, i) => `import * as file${i} from '${file}';`);
  const exports = [...exported].map(([file, names], i) => {
    const getters = names.map((name) => `get ${name}() {return file${i}.${name};}`);
    return `'${file}': () => ({${getters}})`;
  });
  const joinSplitFiles = {
    name: 'join-split-files',
    setup(build) {
      const namespace = 'split';
      build.onResolve({filter: /^\.\//}, ({path}) =>
        joined.has(path) ? {path, namespace} : {path, external: true},
      );
      build.onLoad({filter: /^/, namespace}, ({path}) => ({contents: texts.get(path)}));
    },
  };
  const {outputFiles} = await bundle({
    ...common,
    stdin: {contents: `${imports.join('')} module.exports = {${exports}};`},
    format: 'cjs',
    minify: true,
    write: false,
    plugins: [joinSplitFiles],
  });
  return outputFiles[0].text;
}

/**
 * A script for `node:vm`: a function of what a module is given, in ASCII, which V8 reads faster than anything else. Such a
 * script has no `import` of its own but an experimental one, of which Node 20 warns: it gets that of `start.cjs`.
 */
function writeScript(name, text) {
  const code = text.replaceAll('import("', '__import("').replaceAll(/[^\0-\x7f]/g, escapeCharacter);
  writeFileSync(`${root}dist/${name}.cjs`, `(function (module, require, __import, __url) {${code}\n})`);
}

/** As strings and regular expressions take it; esbuild leaves the latter as they are. */
function escapeCharacter(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** oclif's own, which opens the stream; `watchOutput` has one for whoever does. */
const STDOUT_HANDLER = /^process\.stdout\.on\('error'[\s\S]*?^\}\);$/m;

/** Of oclif's modules those that running a command takes, as other modules of oclif name them. */
const RUNNING =
  /^(?:\.\.?\/)+(?:args|cache|errors|flags|help\/util|logger|parser|util\/(?:aggregate-flags|ids|util)|parse|validate)$/;

/** What `bindOnFirstUse` makes of the others: esbuild puts them into files of their own. */
const LATE_IMPORT = /__late\(import\(("[^"]+")\)\)/g;

/**
 * oclif requires everything it might need as it starts, most of it for help and plugins. Its modules are compiled
 * TypeScript: what they require is bound once and used as `name_1.member`, so that each binding can wait for its first
 * use.
 */
const bindOclifOnFirstUse = {
  name: 'bind-oclif-on-first-use',
  setup(build) {
    // It asks for its own name and version.
    build.onLoad({filter: /@oclif\/core\/package\.json$/}, ({path}) => {
      const {name, version} = JSON.parse(readFileSync(path, 'utf8'));
      return {contents: JSON.stringify({name, version}), loader: 'json'};
    });
    build.onLoad({filter: /@oclif\/core\/lib\/.*\.js$/}, ({path}) => ({
      contents: bindOnFirstUse(readFileSync(path, 'utf8').replace(STDOUT_HANDLER, '')),
      loader: 'js',
    }));
  },
};

function bindOnFirstUse(source) {
  const names = [];
  let text = source.replace(
    /^(?:const|var) (\w+_\d+) = (__importDefault)?\(?require\(("[^"]+")\)\)?;$/gm,
    (_, name, wrap = '', module) => {
      names.push(name);
      const path = JSON.parse(module);
      const isLate = !(path.startsWith('node:') || RUNNING.test(path));
      return `const ${name} = () => ${wrap}(${isLate ? `__late(import(${module}))` : `require(${module})`});`;
    },
  );
  for (const name of names) {
    text = text
      .replaceAll(new RegExp(`\\bnew ${name}\\.([\\w.]+)`, 'g'), `new (${name}().$1)`)
      .replaceAll(new RegExp(`\\b${name}\\.`, 'g'), `${name}().`);
  }
  return text;
}

/** The validators as ajv writes them, in place of ajv and the schemas they are made of. */
const compileDetailsSchemas = {
  name: 'compile-details-schemas',
  setup(build) {
    build.onLoad({filter: /\/client\/detailsValidators\.ts$/}, async () => {
      const schemas = await detailsSchemas();
      const ajv = new Ajv({schemas, code: {source: true, esm: true}});
      const ids = Object.fromEntries(Object.keys(schemas).map((name) => [name, name]));
      return {contents: standaloneCode.default(ajv, ids), resolveDir: root};
    });
  },
};

async function detailsSchemas() {
  const {outputFiles} = await bundle({
    absWorkingDir: root,
    entryPoints: ['src/lib/protocol/details.ts'],
    format: 'esm',
    write: false,
  });
  const {DETAILS_SCHEMAS} = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  return DETAILS_SCHEMAS;
}

/** Build unless dist/ is newer than what it is made from. Vitest calls this before the tests. */
export default async function ensureBuilt() {
  const built = oldest(
    'dist/start.cjs',
    'dist/program.cjs',
    'dist/commands.cjs',
    'dist/index.js',
    'dist/oclif.js',
  );
  if (newest('src', 'scripts/build.js', 'package.json') > built) await build();
}

/** Times in milliseconds; of a folder, that of the newest file in it. 0 stands for what is not there. */
function newest(...paths) {
  return Math.max(
    ...paths.map((path) => {
      const {mtimeMs} = statSync(`${root}${path}`);
      const inside = existsSync(`${root}${path}/.`) ? readdirSync(`${root}${path}`) : [];
      return Math.max(mtimeMs, ...inside.map((name) => newest(`${path}/${name}`)));
    }),
  );
}

function oldest(...paths) {
  return Math.min(...paths.map((path) => statSync(`${root}${path}`, {throwIfNoEntry: false})?.mtimeMs ?? 0));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build({types: true});
