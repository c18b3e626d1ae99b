import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFile, rm} from 'node:fs/promises';
import {parseArgs} from 'node:util';
import {FOLDERS} from './folders.js';
import {scoreOf, survivorsOf} from './score.js';

const REPORT = '.tmp/mutation/report.json';
/** What one folder may take: it takes a few minutes where nothing else runs. */
const FOLDER_MINUTES = '20';

/** Run the mutants of one folder. @returns Stryker's report, in the mutation testing elements' schema */
async function mutate(folder, {share, ignoreStatic, minutes}, seed) {
  await rm(REPORT, {force: true});
  // Stryker takes a list with commas, so a pattern with braces would be cut in two.
  const sources = `src/lib/${folder}.ts,src/lib/${folder}/**/*.ts`;
  const args = ['stryker', 'run', 'scripts/mutation/stryker.json', '--mutate', sources];
  if (ignoreStatic) args.push('--ignoreStatic');
  const child = spawn('npx', ['--no-install', ...args], {
    // Stryker's own words are no result: what fails in its first run of the tests, for example.
    stdio: ['ignore', 2, 'inherit'],
    detached: true,
    env: {...process.env, MUTATION_FOLDER: folder, MUTATION_SHARE: String(share), MUTATION_SEED: seed},
  });
  const end = () => process.kill(-child.pid, 'SIGKILL');
  const timer = setTimeout(end, minutes * 60_000);
  process.once('SIGINT', end);
  const [code, signal] = await once(child, 'exit');
  process.off('SIGINT', end);
  clearTimeout(timer);
  if (signal !== null) throw new Error(`${folder}: ended by ${signal} before all mutants had been run`);
  if (code !== 0) throw new Error(`${folder}: stryker exited with ${code}`);
  return JSON.parse(await readFile(REPORT, 'utf8'));
}

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    seed: {type: 'string', default: '1'},
    share: {type: 'string'},
    minutes: {type: 'string', default: FOLDER_MINUTES},
    survivors: {type: 'boolean'},
  },
});
const unknown = positionals.filter((folder) => !(folder in FOLDERS));
if (unknown.length > 0) {
  console.error(`no goal for ${unknown.join(', ')}; there are: ${Object.keys(FOLDERS).join(', ')}`);
  process.exit(3);
}

/** @returns whether the folder's tests kill as many as they must */
async function judge(folder) {
  const {goal, share, ignoreStatic} = FOLDERS[folder];
  const started = process.hrtime.bigint();
  const {minutes} = values;
  const report = await mutate(folder, {share: values.share ?? share, ignoreStatic, minutes}, values.seed);
  const seconds = Number((process.hrtime.bigint() - started) / 1_000_000_000n);
  const {score, ran, all} = scoreOf(report);
  const missed = score < goal;
  const sample = ran === all ? `all ${all} mutants` : `${ran} of ${all} mutants, seed ${values.seed}`;
  const goals = `goal ${goal} %${missed ? ', missed' : ''}`;
  console.log(`${folder}: ${score.toFixed(1)} % killed (${goals}); ${sample}; ${seconds} s`);
  if (missed || values.survivors) for (const line of survivorsOf(report)) console.log(`  ${line}`);
  return !missed;
}

for (const folder of positionals.length > 0 ? positionals : Object.keys(FOLDERS)) {
  try {
    if (!(await judge(folder))) process.exitCode = 1;
  } catch (error) {
    console.log(error.message);
    process.exitCode = 1;
  }
}
