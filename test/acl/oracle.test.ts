import {describe, expect, test} from 'vitest';
import {mayRun} from '../../src/lib/acl/evaluate.ts';
import {explain} from '../../src/lib/acl/explain.ts';
import {ConfigError} from '../../src/lib/config/errors.ts';
import {parseVersion} from '../../src/lib/protocol/version.ts';
import {callerOf, controlOf, measured, oracle, type VerdictCase} from './callers.ts';

const VERSIONS = ['1.3.8', '1.3.10rc5'] as const;
const callers = Object.entries(oracle.callers).map(([name, {how}]) => ({name, caller: callerOf(how)}));
const cases = Object.entries(oracle.verdicts);

describe.each(VERSIONS)('every verdict of ProFTPD %s', (version) => {
  test.each(cases)('%s', (_, verdictCase: VerdictCase) => {
    const verdicts = verdictCase[version];
    if (verdicts === 'start_failed') {
      expect(() => controlOf(verdictCase.acl_lines)).toThrow(ConfigError);
      return;
    }
    const control = controlOf(verdictCase.acl_lines, {version: parseVersion(version)});
    for (const probe of verdictCase.probes) {
      const action = probe.split(' ')[0]!;
      for (const {name: who, caller} of callers) {
        const expected = measured(verdicts, who, action);
        const verdict = mayRun(control, action, caller) ? 'allowed' : 'denied';
        expect(`${who} ${action}: ${verdict}`).toBe(`${who} ${action}: ${expected}`);
        expect(explain(control, action, caller).allowed).toBe(expected === 'allowed');
      }
    }
  });
});

test('the record is the whole one', () => {
  expect([cases.length, callers.length]).toEqual([67, 11]);
});
