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

interface Reload {
  readonly before: Record<string, string>;
  readonly after_HUP: Record<string, string>;
  readonly after_edit_to_oc_u2_and_HUP?: Record<string, string>;
}

/** What the names of the cases stand for; each has beside it what else lets the callers reach the action. */
const RELOADED: Record<string, (user: string) => readonly string[]> = {
  msg_allow_oc_u1: (user) => [`MessageControlsACLs msg allow user ${user}`, 'ControlsSocketACL allow user *'],
  sock_allow_oc_u1: (user) => [
    'MessageControlsACLs msg allow user *',
    `ControlsSocketACL allow user ${user}`,
  ],
  sock_none: () => ['MessageControlsACLs msg allow user *'],
};

describe.each(VERSIONS)('verdicts of ProFTPD %s before and after a SIGHUP', (version) => {
  const {sighup} = oracle as unknown as {sighup: Record<string, Record<string, Reload>>};
  const verdicts = (lines: readonly string[]) => {
    const control = controlOf(lines, {version: parseVersion(version)});
    const known = callers.filter(({name}) => ['root', 'oc_u1', 'oc_u2'].includes(name));
    return Object.fromEntries(
      known.map(({name, caller}) => [name, mayRun(control, 'msg', caller) ? 'allowed' : 'denied']),
    );
  };
  test.each(Object.entries(sighup[version]!))('%s', (name, reload) => {
    const lines = RELOADED[name]!;
    expect(verdicts(lines('oc_u1'))).toEqual(reload.before);
    expect(verdicts(lines('oc_u1'))).toEqual(reload.after_HUP);
    const {after_edit_to_oc_u2_and_HUP: edited} = reload;
    if (edited !== undefined) expect(verdicts(lines('oc_u2'))).toEqual(edited);
  });
});
