import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {Script} from 'node:vm';
import {cacheDirectory} from './lib/client/memory.ts';

/**
 * Starts the program from `program.cjs` and keeps V8's compiled code between runs, which halves the time to the first
 * line of work. Node ≥ 22.1 has `module.enableCompileCache` for that; Node 20 has not.
 */
const file = join(__dirname, 'program.cjs');
const cacheFile = join(cacheDirectory(process.env), 'code');

/** Compiled code fits one program and one Node alone. V8 itself compares no more than the source's length. */
function keyOf(): string {
  const {size, mtimeMs} = statSync(file);
  return `${process.version} ${process.arch} ${size} ${mtimeMs}\n`;
}

/** Compiled code is trusted as the program is: only a file that nobody else could have written will do. */
function readCache(key: string): Buffer | undefined {
  try {
    const fd = openSync(cacheFile, 'r');
    try {
      const {uid, mode} = fstatSync(fd);
      if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) return undefined;
      const bytes = readFileSync(fd);
      return bytes.toString('latin1', 0, key.length) === key ? bytes.subarray(key.length) : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** Best effort: without it the next start is slower, nothing else. */
function writeCache(key: string, code: Buffer): void {
  try {
    mkdirSync(dirname(cacheFile), {recursive: true, mode: 0o700});
    const fresh = `${cacheFile}.${process.pid}`;
    writeFileSync(fresh, Buffer.concat([Buffer.from(key, 'latin1'), code]), {mode: 0o600, flag: 'wx'});
    renameSync(fresh, cacheFile);
  } catch {}
}

interface Program {
  main(argv: readonly string[]): Promise<number>;
}

function load(): Program {
  const key = keyOf();
  const cachedData = readCache(key);
  const script = new Script(
    `(function (module, exports, require, __filename, __dirname, __import) {${readFileSync(file, 'utf8')}\n})`,
    {filename: file, ...(cachedData ? {cachedData} : {})},
  );
  // Written as the program ends, the cache holds the functions that this run has needed: those of a real one.
  const real = !process.argv.some((word) => word === '-h' || word === '--help' || word === '--version');
  if (real && (!cachedData || script.cachedDataRejected)) {
    process.once('exit', () => writeCache(key, script.createCachedData()));
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

export const {main} = load();
