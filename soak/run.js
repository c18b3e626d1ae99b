import {mkdirSync, mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {basename, join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {parseArgs} from 'node:util';
import {build} from 'esbuild';

/*
 * `npm run soak [-- [--seconds N] [--seed N] [PART...]]`: what takes too long for the tests, each part bounded in time.
 *
 * A part is a file soak/parts/NAME.ts that exports
 *
 *   run(bounds: {seconds: number; seed: number}): Promise<{ok: boolean; summary: string}>
 *
 * It stops by itself after about `seconds`, draws its luck from `seed`, and says in one line what it has done. It runs
 * in the checkout's directory. The tests run the same code with smaller bounds.
 */
const SECONDS = 120;

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const parts = readdirSync(join(root, 'soak/parts'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'));

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {seconds: {type: 'string'}, seed: {type: 'string'}},
});
const bounds = {
  seconds: Number(values.seconds ?? SECONDS),
  seed: Number(values.seed ?? Date.now() % 2 ** 31),
};
const unknown = positionals.filter((name) => !parts.includes(name));
if (unknown.length > 0 || !(bounds.seconds > 0) || !Number.isInteger(bounds.seed)) {
  console.error(`usage: npm run soak -- [--seconds N] [--seed N] [${parts.join('|')}]...`);
  process.exit(3);
}

for (const name of positionals.length > 0 ? positionals : parts) {
  const {ok, summary} = await runPart(name);
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (seed ${bounds.seed}): ${summary}`);
  if (!ok) process.exitCode = 1;
}

async function runPart(name) {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, {recursive: true});
  const directory = mkdtempSync(join(cache, 'soak-'));
  const outfile = join(directory, `${name}.mjs`);
  try {
    await build({
      entryPoints: [join(root, 'soak/parts', `${name}.ts`)],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      logLevel: 'warning',
    });
    const part = await import(pathToFileURL(outfile).href);
    return await part.run(bounds);
  } catch (error) {
    return {ok: false, summary: error.stack};
  } finally {
    rmSync(directory, {recursive: true, force: true});
  }
}
