import {existsSync, readFileSync, statSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {Script} from 'node:vm';
import type {FtpdctlError} from './lib/errors.ts';
import {readOwnFile, writeOwnFile, xdgDirectory} from './lib/transport/files/ownFile.ts';

/**
 * Starts the program, which is two scripts (`scripts/build.js`): `program.cjs` is what a message needs; `commands.cjs` has
 * the modules that only other commands need, and is read when the first of those is asked for. V8's compiled code of both
 * is kept between runs, which halves the time to the first line of work. Node ≥ 22.1 has `module.enableCompileCache` for
 * that; Node 20 has not.
 */
const cache = xdgDirectory(process.env, 'cache');
const requireHere = createRequire(__filename);

/**
 * Compiled code as it is kept: behind its key, and twice, since V8 aborts on damaged code without checking it, and
 * comparing two copies takes a tenth of the time of a checksum.
 */
function behind(key: string, code: Buffer): Buffer {
  return Buffer.concat([Buffer.from(key, 'latin1'), code, code]);
}

/** What stands behind the key, if it is for this script and this Node. */
function codeBehind(key: string, bytes: Buffer | undefined): Buffer | undefined {
  if (bytes?.toString('latin1', 0, key.length) !== key) return undefined;
  const middle = (key.length + bytes.length) / 2;
  const code = bytes.subarray(key.length, middle);
  return code.equals(bytes.subarray(middle)) ? code : undefined;
}

/** What a distribution's package brings along for its own Node (`packaging/build.js`): as trusted as the program beside it. */
function readPackaged(name: string): Buffer | undefined {
  const file = join(__dirname, name);
  try {
    return existsSync(file) ? readFileSync(file) : undefined;
  } catch {
    return undefined;
  }
}

/** For a package: the functions compiled so far, by the names of their files. */
export const compiledCode: Record<string, () => Buffer> = {};

interface Module {
  exports: unknown;
}

/** What a script is: a function of a module, and of what it has in place of Node's own ways to load others. */
type Run = (
  module: Module,
  require: typeof requireModule,
  importModule: (name: string) => Promise<unknown>,
  url: string,
) => void;

/**
 * @param use what is needed of the script: its compiled code is kept with the functions that the first such run has needed
 * @returns what it exports
 */
function runScript(script: 'program' | 'commands', use: string, isKept: boolean): unknown {
  const file = join(__dirname, `${script}.cjs`);
  const {size, mtimeMs, ctimeMs, ino} = statSync(file);
  // Compiled code fits one script and one Node alone. V8 itself compares no more than the source's length; and package
  // managers give all their files one time of modification, but not of change.
  const release = `${process.version} ${process.arch} ${size}`;
  const key = `${release} ${mtimeMs} ${ctimeMs} ${ino}\n`;
  const name = `${use}.code`;
  const brought = codeBehind(`${release}\n`, readPackaged(name));
  const cachedData = brought ?? codeBehind(key, cache === null ? undefined : readOwnFile(cache, name));
  // All of it is ASCII (`scripts/build.js` sees to that): one byte a character, here and in V8.
  const compiled = new Script(readFileSync(file, 'latin1'), {
    filename: file,
    ...(cachedData && {cachedData}),
  });
  compiledCode[name] = () => behind(`${release}\n`, compiled.createCachedData());
  if (cache !== null && isKept && !brought && (!cachedData || compiled.cachedDataRejected)) {
    process.once('exit', () => writeOwnFile(cache, name, behind(key, compiled.createCachedData())));
  }
  const module: Module = {exports: {}};
  const run = compiled.runInThisContext() as Run;
  run(
    module,
    requireModule,
    async (wanted) => (isOwn(wanted) ? requireModule(wanted) : import(wanted)),
    pathToFileURL(file).href,
  );
  return module.exports;
}

/** Modules of Node that take longer to load than a message takes, of which most messages need nothing. */
const LATE_BUILTINS = new Set(['node:net', 'node:os', 'node:stream', 'node:timers/promises', 'node:tty']);

/** Each export is looked up when it is used, and only then is the module loaded. */
function bindOnFirstUse(name: string): object {
  let loaded: Record<string | symbol, unknown> | undefined;
  return new Proxy(
    {},
    {
      get(_, key) {
        loaded ??= requireHere(name) as Record<string | symbol, unknown>;
        return loaded[key];
      },
    },
  );
}

/** What was loaded, by name: modules of the program, packages, modules of Node. */
const modules = new Map<string, Module>();

/** Those of the program have names like `./who-D2KXL7QV.js`. */
function isOwn(name: string): boolean {
  return name.startsWith('./');
}

function requireModule(name: string): unknown {
  let module = modules.get(name);
  if (!module) {
    module = {exports: {}};
    modules.set(name, module);
    if (isOwn(name)) runOwn(name, module);
    else module.exports = LATE_BUILTINS.has(name) ? bindOnFirstUse(name) : requireHere(name);
  }
  return module.exports;
}

/** By name, what gives the exports of those modules that are run already. */
let program: Readonly<Record<string, () => unknown>>;
let commandModules: Readonly<Record<string, (module: Module) => void>> | undefined;

/** The first that is asked for of the others tells what those are needed for: `who`, `help`. */
function runOwn(name: string, module: Module): void {
  const exportsOf = program[name];
  if (exportsOf !== undefined) {
    module.exports = exportsOf();
    return;
  }
  commandModules ??= runScript(
    'commands',
    name.slice(2, name.lastIndexOf('-')),
    true,
  ) as typeof commandModules;
  commandModules![name]!(module);
}

interface Program {
  main(argv: readonly string[]): Promise<number>;
}

function load(): Program {
  const words = process.argv.slice(2);
  // The functions that every run needs are those of a real one.
  const isReal = !words.some((word) => word === '-h' || word === '--help' || word === '--version');
  const isMessage = words.includes('msg') && !words.includes('__complete');
  program = runScript('program', isMessage ? 'msg' : 'program', isReal) as typeof program;
  return requireModule('./main.js') as Program;
}

/** A package that is missing may keep the program itself, which reports errors, from being loaded. */
function loadOrReport(): Program {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof Error && 'exitStatus' in error)) throw error;
    return {main: (argv) => Promise.resolve(report(error as FtpdctlError, argv.includes('--json')))};
  }
}

function report({code, message, hint, exitStatus}: FtpdctlError, json: boolean): number {
  if (json)
    process.stdout.write(`${JSON.stringify({error: {code, message, hint}, exitStatus}, undefined, 2)}\n`);
  else process.stderr.write(`ftpdctl: ${message} (${hint})\n`);
  return exitStatus;
}

export const {main} = loadOrReport();
