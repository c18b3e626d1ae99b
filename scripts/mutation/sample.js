import {createHash} from 'node:crypto';
import {declareClassPlugin, PluginKind} from '@stryker-mutator/api/plugin';

/** The reason of a mutant that is left out. */
export const LEFT_OUT = 'not in the sample';

const SHARE = Number(process.env.MUTATION_SHARE ?? 1);
const SEED = process.env.MUTATION_SEED ?? '';

/** A number in [0, 1) that depends on the seed and on what the mutant does, and on no other mutant. */
function chanceOf({fileName, location: {start, end}, mutatorName, replacement}) {
  const file = fileName.replace(/^.*\/src\//, 'src/');
  const place = [SEED, file, start.line, start.column, end.line, end.column, mutatorName, replacement];
  return createHash('sha256').update(place.join('\0')).digest().readUInt32BE() / 2 ** 32;
}

/** A checker that lets a share of the mutants pass. Stryker has no sampling of its own. */
class Sample {
  async init() {}

  async check(mutants) {
    return Object.fromEntries(mutants.map((mutant) => [mutant.id, verdictOn(mutant)]));
  }

  group(mutants) {
    return Promise.resolve([mutants.map(({id}) => id)]);
  }
}

function verdictOn(mutant) {
  return chanceOf(mutant) < SHARE ? {status: 'passed'} : {status: 'compileError', reason: LEFT_OUT};
}

export const strykerPlugins = [declareClassPlugin(PluginKind.Checker, 'sample', Sample)];
