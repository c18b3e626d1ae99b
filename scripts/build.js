import {execFileSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {Ajv} from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import {build as bundle} from 'esbuild';

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
 * Fill dist/: the program in one CommonJS file, whose compiled code can be cached (`start.cjs` does); the library as an
 * ES module with its types; and the commands as oclif's manifest wants to read them.
 */
export async function build({types = false} = {}) {
  const bundles = await Promise.all([
    bundle({
      ...common,
      entryPoints: {start: 'src/start.ts', program: 'src/main.ts'},
      format: 'cjs',
      outExtension: {'.js': '.cjs'},
      external: [...common.external, './program.cjs'],
      minify: true,
      plugins: [bindBuiltinsOnFirstUse, bindOclifOnFirstUse, compileDetailsSchemas],
      define: {'import.meta.url': '__url'},
      banner: {js: "const __url = require('node:url').pathToFileURL(__filename).href;"},
    }),
    bundle({...common, entryPoints: {index: 'src/index.ts'}, format: 'esm'}),
    bundle({
      ...common,
      entryPoints: {oclif: 'src/oclif.ts'},
      format: 'esm',
      external: [...common.external, '@oclif/core'],
    }),
  ]);
  makeScript(`${root}dist/program.cjs`);
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

/**
 * A script for `node:vm`: a function of what a module is given, in ASCII, which V8 reads faster than anything else. Such a
 * script has no `import` of its own but an experimental one, of which Node 20 warns: it gets that of `start.cjs`.
 */
function makeScript(file) {
  const code = readFileSync(file, 'utf8')
    .replaceAll('import("', '__import("')
    .replaceAll(/[^\0-\x7f]/g, escapeCharacter);
  writeFileSync(file, `(function (module, exports, require, __filename, __dirname, __import) {${code}\n})`);
}

/** As strings and regular expressions take it; esbuild leaves the latter as they are. */
function escapeCharacter(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** oclif's own, which opens the stream; `watchOutput` has one for whoever does. */
const STDOUT_HANDLER = /^process\.stdout\.on\('error'[\s\S]*?^\}\);$/m;

/**
 * oclif requires everything it might need as it starts, most of it for help and plugins. Its modules are compiled
 * TypeScript: what they require is bound once and used as `name_1.member`, so that each binding can wait for its first
 * use.
 */
const bindOclifOnFirstUse = {
  name: 'bind-oclif-on-first-use',
  setup(build) {
    build.onLoad({filter: /@oclif\/core\/lib\/.*\.js$/}, ({path}) => ({
      contents: bindOnFirstUse(readFileSync(path, 'utf8').replace(STDOUT_HANDLER, '')),
      loader: 'js',
    }));
  },
};

function bindOnFirstUse(source) {
  const names = [];
  let text = source.replace(
    /^(?:const|var) (\w+_\d+) = ((?:__importDefault\()?require\("[^"]+"\)\)?);$/gm,
    (_, name, value) => {
      names.push(name);
      return `const ${name} = () => ${value};`;
    },
  );
  for (const name of names) {
    text = text
      .replaceAll(new RegExp(`\\bnew ${name}\\.([\\w.]+)`, 'g'), `new (${name}().$1)`)
      .replaceAll(new RegExp(`\\b${name}\\.`, 'g'), `${name}().`);
  }
  return text;
}

/** Modules of Node that take longer to load than a message takes, of which most messages need nothing. */
const LATE_BUILTINS = /^node:(?:net|os|stream|timers\/promises|tty)$/;

/** Each export of these modules is looked up when it is used, and only then is the module loaded. */
const bindBuiltinsOnFirstUse = {
  name: 'bind-builtins-on-first-use',
  setup(build) {
    const namespace = 'late-builtin';
    build.onResolve({filter: LATE_BUILTINS}, ({path, namespace: importer}) =>
      importer === namespace ? {path, external: true} : {path, namespace},
    );
    build.onLoad({filter: /^/, namespace}, async ({path}) => {
      const names = Object.keys(await import(path)).filter((name) => name !== 'default');
      const getters = names.map((name) => `get ${name}() {return require('${path}').${name};}`);
      return {contents: `module.exports = {${getters.join()}};`};
    });
  },
};

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
  const built = oldest('dist/start.cjs', 'dist/program.cjs', 'dist/index.js', 'dist/oclif.js');
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
