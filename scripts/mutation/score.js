import {LEFT_OUT} from './sample.js';

const KILLED = new Set(['Killed', 'Timeout', 'RuntimeError']);

/**
 * What became of a mutant. A module that throws as it is loaded leaves no test to run, which the vitest runner takes
 * for a survivor; an error outside of a test fails a run of the tests, too.
 */
function fateOf({status, static: isStatic, testsCompleted, statusReason}) {
  if (status === 'CompileError' && statusReason === LEFT_OUT) return 'left out';
  if (status === 'Survived' && isStatic && testsCompleted === 0) return 'killed';
  if (KILLED.has(status)) return 'killed';
  return status === 'NoCoverage' ? 'not covered' : 'survived';
}

function mutantsOf(report) {
  return Object.entries(report.files).flatMap(([file, {source, mutants}]) =>
    mutants
      .filter(({status}) => status !== 'Ignored')
      .map((mutant) => ({file, source, ...mutant, fate: fateOf(mutant)})),
  );
}

/**
 * The share of mutants that the tests kill, in percent. Those that no test reaches are all known, without being run;
 * of the others the sample tells.
 */
export function scoreOf(report) {
  const mutants = mutantsOf(report);
  const count = (...fates) => mutants.filter(({fate}) => fates.includes(fate)).length;
  const covered = mutants.length - count('not covered');
  const ran = count('killed', 'survived');
  const score = ran === 0 ? 0 : 100 * (covered / mutants.length) * (count('killed') / ran);
  return {score, ran: ran + count('not covered'), all: mutants.length};
}

/** One line for each mutant that lives: where it is, what it makes of the source. */
export function survivorsOf(report) {
  return mutantsOf(report)
    .filter(({fate}) => fate === 'survived' || fate === 'not covered')
    .map(({file, source, location, mutatorName, replacement, fate}) => {
      const {start} = location;
      const line = source.split('\n')[start.line - 1].trim();
      const becomes = (replacement ?? '').replace(/\s+/g, ' ').slice(0, 80);
      return `${file}:${start.line}:${start.column} ${mutatorName} ${fate}: ${line} → ${becomes}`;
    });
}
