import {readFileSync, statSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {Script} from 'node:vm';
import type {FtpdctlError} from './lib/errors.ts';
import {type OwnDirectory, readOwnFile, writeOwnFile, xdgDirectory} from './lib/transport/files/ownFile.ts';

/**
 * Starts the program from `program.cjs` and keeps V8's compiled code between runs, which halves the time to the first
 * line of work. Node ≥ 22.1 has `module.enableCompileCache` for that; Node 20 has not.
 */
const file = join(__dirname, 'program.cjs');
const cache = xdgDirectory(process.env, 'cache');
const CODE = 'code';

/**
 * Compiled code fits one program and one Node alone. V8 itself compares no more than the
 * source's length; and package managers give all their files one time of modification, but not of change.
 */
function keyOf(): string {
  const {size, mtimeMs, ctimeMs, ino} = statSync(file);
  return `${process.version} ${process.arch} ${size} ${mtimeMs} ${ctimeMs} ${ino}\n`;
}

/**
 * What stands in the cache behind the key, if it is for this program and this Node. It stands there twice: V8 aborts on
 * damaged code without checking it, and comparing two copies takes a tenth of the time of a checksum.
 */
function readCache(key: string): Buffer | undefined {
  const bytes = cache === null ? undefined : readOwnFile(cache, CODE);
  if (bytes?.toString('latin1', 0, key.length) !== key) return undefined;
  const middle = (key.length + bytes.length) / 2;
  const code = bytes.subarray(key.length, middle);
  return code.equals(bytes.subarray(middle)) ? code : undefined;
}

function writeCache(directory: OwnDirectory, key: string, code: Buffer): void {
  writeOwnFile(directory, CODE, Buffer.concat([Buffer.from(key, 'latin1'), code, code]));
}

interface Program {
  main(argv: readonly string[]): Promise<number>;
}

function load(): Program {
  const key = keyOf();
  const cachedData = readCache(key);
  // All of it is ASCII (`scripts/build.js` sees to that): one byte a character, here and in V8.
  const script = new Script(readFileSync(file, 'latin1'), {filename: file, ...(cachedData && {cachedData})});
  // Written as the program ends, the cache holds the functions that this run has needed: those of a real one.
  const real = !process.argv.some((word) => word === '-h' || word === '--help' || word === '--version');
  if (cache !== null && real && (!cachedData || script.cachedDataRejected)) {
    process.once('exit', () => writeCache(cache, key, script.createCachedData()));
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
