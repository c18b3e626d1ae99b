import {readFileSync, statSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {Script} from 'node:vm';
import type {FtpdctlError} from './lib/errors.ts';
import {readOwnFile, writeOwnFile, xdgDirectory} from './lib/transport/files/ownFile.ts';

/**
 * Starts the program from `program.cjs` and keeps V8's compiled code between runs, which halves the time to the first
 * line of work. Node ≥ 22.1 has `module.enableCompileCache` for that; Node 20 has not.
 */
const file = join(__dirname, 'program.cjs');
const cache = xdgDirectory(process.env, 'cache');
const CODE = 'code';
/** What a distribution's package brings along for its own Node (`packaging/build.js`): as trusted as the program beside it. */
const packaged = join(__dirname, 'program.code');

/**
 * Compiled code as it is kept: behind its key, and twice, since V8 aborts on damaged code without checking it, and
 * comparing two copies takes a tenth of the time of a checksum.
 */
function behind(key: string, code: Buffer): Buffer {
  return Buffer.concat([Buffer.from(key, 'latin1'), code, code]);
}

/** What stands behind the key, if it is for this program and this Node. */
function codeBehind(key: string, bytes: Buffer | undefined): Buffer | undefined {
  if (bytes?.toString('latin1', 0, key.length) !== key) return undefined;
  const middle = (key.length + bytes.length) / 2;
  const code = bytes.subarray(key.length, middle);
  return code.equals(bytes.subarray(middle)) ? code : undefined;
}

function readPackaged(): Buffer | undefined {
  try {
    return readFileSync(packaged);
  } catch {
    return undefined;
  }
}

interface Program {
  main(argv: readonly string[]): Promise<number>;
}

/** The functions compiled so far, for a package. */
export let compiledCode: () => Buffer;

function load(): Program {
  const {size, mtimeMs, ctimeMs, ino} = statSync(file);
  // Compiled code fits one program and one Node alone. V8 itself compares no more than the source's length; and package
  // managers give all their files one time of modification, but not of change.
  const release = `${process.version} ${process.arch} ${size}`;
  const key = `${release} ${mtimeMs} ${ctimeMs} ${ino}\n`;
  const brought = codeBehind(`${release}\n`, readPackaged());
  const cachedData = brought ?? codeBehind(key, cache === null ? undefined : readOwnFile(cache, CODE));
  // All of it is ASCII (`scripts/build.js` sees to that): one byte a character, here and in V8.
  const script = new Script(readFileSync(file, 'latin1'), {filename: file, ...(cachedData && {cachedData})});
  compiledCode = () => behind(`${release}\n`, script.createCachedData());
  // Written as the program ends, the cache holds the functions that this run has needed: those of a real one.
  const real = !process.argv.some((word) => word === '-h' || word === '--help' || word === '--version');
  if (cache !== null && real && !brought && (!cachedData || script.cachedDataRejected)) {
    process.once('exit', () => writeOwnFile(cache, CODE, behind(key, script.createCachedData())));
  }
  const module = {exports: {} as Program};
  script.runInThisContext()(
    module,
    module.exports,
    createRequire(file),
    file,
    __dirname,
    (name: string) => import(name),
  );
  return module.exports;
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
