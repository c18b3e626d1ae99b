import {describe, expect, test} from 'vitest';
import {isNotExecuted, verdictOf} from '../../src/lib/client/verdict.ts';
import {STATUS} from '../../src/lib/protocol/message.ts';

/** Answers of ProFTPD 1.3.8 (mod_msg, mod_ctrls, mod_ctrls_admin, mod_ban, mod_dso, mod_shaper), as measured. */
const FAILURES: readonly (readonly [number, string, number])[] = [
  [-1, 'access denied', STATUS.ACCESS_DENIED],
  [0, 'unable to send message: no such client connected', STATUS.SUBJECT_NOT_FOUND],
  [0, 'error sending message: Invalid argument', STATUS.GENERIC_ERROR],
  [-1, 'missing required parameters', STATUS.WRONG_PARAMETERS],
  [-1, 'kick user: missing required user name(s)', STATUS.WRONG_PARAMETERS],
  [-1, 'kick host: missing required host(s)', STATUS.WRONG_PARAMETERS],
  [-1, 'kick class: missing required class name(s)', STATUS.WRONG_PARAMETERS],
  [0, "user 'nosuch' not connected", STATUS.SUBJECT_NOT_FOUND],
  [0, "host '9.9.9.9' not connected", STATUS.SUBJECT_NOT_FOUND],
  [0, "class 'nosuch' not connected", STATUS.SUBJECT_NOT_FOUND],
  [0, "kick host: error resolving 'nosuch.invalid': No such file or directory", STATUS.SUBJECT_NOT_FOUND],
  [-1, "unknown kick type requested: 'bogus'", STATUS.WRONG_PARAMETERS],
  [-1, "unsupported option: 'n'", STATUS.WRONG_PARAMETERS],
  [-1, 'bad number: x', STATUS.WRONG_PARAMETERS],
  [-1, 'down: missing required parameters', STATUS.WRONG_PARAMETERS],
  [0, 'down: no such server: 9.9.9.9#21', STATUS.SUBJECT_NOT_FOUND],
  [0, 'status: no such server: nosuch.invalid#21', STATUS.SUBJECT_NOT_FOUND],
  [0, 'status: no server associated with 9.9.9.9#21', STATUS.SUBJECT_NOT_FOUND],
  [-1, 'up: no server associated with 9.9.9.9#21', STATUS.SUBJECT_NOT_FOUND],
  [-1, "up: unable to resolve address for 'nosuch.invalid'", STATUS.SUBJECT_NOT_FOUND],
  [-1, 'missing parameters', STATUS.WRONG_PARAMETERS],
  [0, "ban: unknown host 'nosuch.invalid'", STATUS.SUBJECT_NOT_FOUND],
  [-1, "unknown ban action requested: 'bogus'", STATUS.WRONG_PARAMETERS],
  [0, "unable to resolve 'nosuch.invalid' to an IP address", STATUS.SUBJECT_NOT_FOUND],
  [-1, "unknown debug action: 'bogus'", STATUS.WRONG_PARAMETERS],
  [-1, "unknown scoreboard action 'bogus'", STATUS.WRONG_PARAMETERS],
  [-1, "unknown get type requested: 'bogus'", STATUS.WRONG_PARAMETERS],
  [-1, 'config: missing parameters', STATUS.WRONG_PARAMETERS],
  [-1, 'config set: missing required parameters', STATUS.WRONG_PARAMETERS],
  [-1, "dns: error: expected Boolean parameter: 'bogus'", STATUS.WRONG_PARAMETERS],
  [-1, "trace: badly formatted parameter: 'bogus'", STATUS.WRONG_PARAMETERS],
  [-1, "unsupported parameter 'bogus'", STATUS.WRONG_PARAMETERS],
  [0, "error loading 'mod_nosuch.c': No such file or directory", STATUS.GENERIC_ERROR],
  [0, "error unloading 'mod_nosuch.c': Module not loaded", STATUS.GENERIC_ERROR],
  [0, "no such control: 'nosuch'", STATUS.SUBJECT_NOT_FOUND],
  [-1, "'lsctrl' control cannot be removed", STATUS.OPERATION_DENIED],
  [-1, 'unsupported action requested', STATUS.UNSUPPORTED_OPERATION],
  [-1, 'wrong number of parameters', STATUS.WRONG_PARAMETERS],
  [-1, 'config: wrong number of parameters', STATUS.WRONG_PARAMETERS],
  [-1, 'msg all: missing required message', STATUS.WRONG_PARAMETERS],
  [-1, 'msg class: missing required class name', STATUS.WRONG_PARAMETERS],
  [0, 'error sending message: Success, says nobody', STATUS.GENERIC_ERROR],
];

describe('a failure of 1.3.8 is seen, whatever its status', () => {
  test.each(FAILURES)('%i %j: %i', (status, line, verdict) => {
    expect(verdictOf({status, responses: [line]})).toBe(verdict);
  });

  test('one of several that failed is a failure', () => {
    const responses = ["user 'nosuch' not connected", "kicked user 'dave'"];
    expect(verdictOf({status: 0, responses})).toBe(STATUS.SUBJECT_NOT_FOUND);
  });
});

/** How a line ends that has no name or reason at its end. */
const CLOSED =
  /(?:denied|connected|parameters|message|name(?:\(s\))?|host\(s\)|to an IP address|requested|removed)$/;

describe('words of a failure within another line are none: names and reasons are free text', () => {
  test.each(FAILURES)('%i %j behind others', (_status, line) => {
    expect(verdictOf({status: 0, responses: [`banned by dave: ${line}`]})).toBe(STATUS.OK);
  });

  test.each(FAILURES.filter(([, line]) => CLOSED.test(line)))('%i %j before others', (_status, line) => {
    expect(verdictOf({status: 0, responses: [`${line} by nobody`]})).toBe(STATUS.OK);
  });
});

test('a status that says what failed is left alone, whatever the words', () => {
  expect(verdictOf({status: STATUS.OPERATION_DENIED, responses: ['access denied']})).toBe(-5);
});

test.each([
  'message sent',
  'error sending message: Success',
  "kicked user 'dave'",
  'user bob already banned',
  "user 'nosuch' permitted",
  "'msg' control enabled",
  'status: access denied is the name of a server UP',
  'access denied by nobody',
  '127.0.0.1#21 already enabled',
])('%j with 0 is no failure', (line) => {
  expect(verdictOf({status: 0, responses: [line]})).toBe(STATUS.OK);
});

test.each([
  [-5, STATUS.OPERATION_DENIED],
  [-11, STATUS.GENERIC_ERROR],
  [-(2 ** 31), STATUS.GENERIC_ERROR],
  [2 ** 31 - 1, STATUS.OK],
])('status %i stands for %i', (status, verdict) => {
  expect(verdictOf({status, responses: []})).toBe(verdict);
});

test.each([
  [-1, ['blocked connection'], true],
  [-8, ['blocked connection'], true],
  [-1, ['error: stale connection'], true],
  [0, ['blocked connection'], false],
  [-1, ['blocked connection', 'message sent'], false],
  [-1, ['the blocked connection'], false],
  [-7, ['unsupported action requested'], false],
])('%i %j: nothing was carried out, %s', (status, responses, expected) => {
  expect(isNotExecuted({status, responses})).toBe(expected);
});
