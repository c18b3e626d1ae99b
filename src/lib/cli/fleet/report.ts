import type {Session} from '../../daemon/daemon.ts';
import {HostError} from '../../fleet/errors.ts';
import {gather, type HostReport} from '../../fleet/gather.ts';
import {foldHosts, type Host} from '../../fleet/hosts.ts';
import type {Outcome} from '../../fleet/run.ts';
import {errorFields, errorLine} from '../output/failure.ts';
import {errorOutput, printable, printError, printJson} from '../output/output.ts';
import {sessionTable} from '../output/sessionTable.ts';
import type {FleetCommand} from './command.ts';

/** What a host has answered. */
export interface HostAnswer {
  readonly exitStatus: number;
  readonly lines: readonly string[];
  readonly errors: readonly string[];
  /** What `--json` prints there, or would. */
  readonly json?: Readonly<Record<string, unknown>>;
}

type Outcomes = ReadonlyMap<string, Outcome<HostAnswer>>;

/** What a process that a signal ends exits with, less its number. */
const SIGNALLED = 128;

/**
 * Print what has become of a command on each host.
 * @param signal number of the one that has ended it
 * @returns the exit status: the largest
 */
export function reportFleet(
  hosts: readonly Host[],
  outcomes: Outcomes,
  command: FleetCommand,
  signal: number | undefined,
): number {
  const each = hosts.map((host) => ({host, outcome: outcomes.get(host.name)!}));
  const exitStatus =
    signal === undefined ? Math.max(...each.map(({outcome}) => exitStatusOf(outcome))) : SIGNALLED + signal;
  // Printing may end the program.
  process.exitCode = exitStatus;
  if (command.json) printJson({hosts: Object.fromEntries(each.map(memberOf)), exitStatus});
  else {
    if (command.id === 'who') printSessions(each, command);
    printReports(each, command);
    if (signal !== undefined) printError(interruptedLine(each));
  }
  return exitStatus;
}

interface HostOutcome {
  readonly host: Host;
  readonly outcome: Outcome<HostAnswer>;
}

/** Given up: neither well nor ill. */
const NOT_RUN = 130;

function exitStatusOf(outcome: Outcome<HostAnswer>): number {
  switch (outcome.kind) {
    case 'done':
      return outcome.value.exitStatus;
    case 'failed':
      return outcome.error.exitStatus;
    case 'not-run':
      return NOT_RUN;
  }
}

/** A host's member of the one JSON object. */
function memberOf({host, outcome}: HostOutcome): [string, object] {
  const exitStatus = exitStatusOf(outcome);
  switch (outcome.kind) {
    case 'done': {
      const {json, errors} = outcome.value;
      const client = outcome.client.kind === 'ours' ? 'ftpdctl' : 'stock';
      const said = errors.length > 0 && outcome.client.kind === 'ours' ? {stderr: errors} : {};
      return [host.name, {state: 'answered', exitStatus, client, answer: json, ...said}];
    }
    case 'failed': {
      const state = outcome.mayBeDone ? 'unknown' : stateOf(outcome.error);
      return [host.name, {state, exitStatus, error: errorFields(outcome.error)}];
    }
    case 'not-run':
      return [host.name, {state: 'not-run', exitStatus}];
  }
}

function stateOf(error: Error): 'unreachable' | 'not-run' | 'failed' {
  if (!(error instanceof HostError)) return 'failed';
  if (error.code === 'INTERRUPTED') return 'not-run';
  return error.code === 'UNREACHABLE' || error.code === 'NO_SSH' ? 'unreachable' : 'failed';
}

function isInterrupted(outcome: Outcome<HostAnswer>): boolean {
  return (
    outcome.kind === 'not-run' ||
    (outcome.kind === 'failed' && outcome.error instanceof HostError && outcome.error.code === 'INTERRUPTED')
  );
}

/** Show a person what each host has said. */
export function showAnswers(
  hosts: readonly Host[],
  outcomes: Outcomes,
  command: FleetCommand,
  output: NodeJS.WritableStream,
): void {
  printReports(
    hosts.map((host) => ({host, outcome: outcomes.get(host.name)!})),
    command,
    output,
  );
}

/** Answers on standard output, what else is said on standard error, each line after its hosts. */
function printReports(
  each: readonly HostOutcome[],
  command: FleetCommand,
  output: NodeJS.WritableStream = process.stdout,
): void {
  const reports = each.filter(({outcome}) => !isInterrupted(outcome)).map((one) => reportOf(one, command));
  for (const {hosts, lines, errors} of gather(reports)) {
    const name = printable(hosts);
    output.write(lines.map((line) => `${name}: ${printable(line)}\n`).join(''));
    if (errors.length > 0)
      errorOutput().write(errors.map((line) => `${name}: ${printable(line)}\n`).join(''));
  }
}

function reportOf({host, outcome}: HostOutcome, {id}: FleetCommand): HostReport {
  const base = {host: host.name, address: host.host, exitStatus: exitStatusOf(outcome)};
  if (outcome.kind === 'done') {
    const {lines, errors, json} = outcome.value;
    // What `who` has answered stands in the table, or says why not.
    const refused = id === 'who' && json && !('sessions' in json) ? wordsOf(json) : [];
    return {...base, lines: [...lines, ...refused], errors, failed: false};
  }
  const isHost = outcome.kind === 'failed' && outcome.error instanceof HostError;
  const error = outcome.kind === 'failed' ? outcome.error : undefined;
  const before = error instanceof HostError && error.code === 'UNREACHABLE' ? 'unreachable: ' : '';
  return {...base, lines: [], errors: error ? [`${before}${errorLine(error)}`] : [], failed: isHost};
}

/** The answer of a server, or an error, from JSON. */
function wordsOf({responses, error}: Readonly<Record<string, unknown>>): string[] {
  if (Array.isArray(responses)) return responses.filter((line) => typeof line === 'string');
  const {message, hint} = (error ?? {}) as {message?: unknown; hint?: unknown};
  if (typeof message !== 'string') return [];
  return [typeof hint === 'string' ? `${message} (${hint})` : message];
}

function printSessions(each: readonly HostOutcome[], {quiet}: FleetCommand): void {
  const rows = each.flatMap(({host, outcome}) =>
    outcome.kind === 'done'
      ? sessionsIn(outcome.value.json).map((session) => ({...session, machine: host.name}))
      : [],
  );
  const hasAnswers = each.some(
    ({outcome}) => outcome.kind === 'done' && 'sessions' in (outcome.value.json ?? {}),
  );
  if (hasAnswers && !quiet) process.stdout.write(sessionTable(rows));
}

/** Whether a machine says who is connected there, all of it, or why it does not. */
export function isWhoAnswer(json: Readonly<Record<string, unknown>>): boolean {
  const {sessions} = json;
  return sessions === undefined
    ? wordsOf(json).length > 0
    : Array.isArray(sessions) && sessions.every(isSession);
}

function sessionsIn({sessions = []}: Readonly<Record<string, unknown>> = {}): Session[] {
  return (sessions as Session[]).map((session) => ({...session, transfer: session.transfer ?? null}));
}

/** Characters of a text of a session: the widest sets the width of its column for the sessions of every machine. */
const MAX_CELL = 512;

function isCell(value: unknown): boolean {
  return typeof value === 'string' && value.length <= MAX_CELL;
}

/** Of what another machine says no more is believed than a table needs. */
function isSession(value: unknown): boolean {
  const {id, host, server, idle, user, protocol, command, transfer, waiting, ...rest} = (value ??
    {}) as Record<string, unknown>;
  const texts = [id, host, server];
  const maybe = [user, rest['class'], protocol, command];
  return (
    texts.every(isCell) &&
    maybe.every((each) => each === undefined || each === null || isCell(each)) &&
    typeof idle === 'number' &&
    (waiting === null || typeof waiting === 'number') &&
    (transfer === undefined || transfer === null || isTransfer(transfer))
  );
}

function isTransfer(value: object | unknown): boolean {
  const {direction, bytes, size, rate} = value as Record<string, unknown>;
  return (
    isCell(direction) &&
    typeof bytes === 'number' &&
    [size, rate].every((each) => each === null || typeof each === 'number')
  );
}

/** Who was done, who was not, and who may be. */
function interruptedLine(each: readonly HostOutcome[]): string {
  const named = (wanted: (outcome: Outcome<HostAnswer>) => boolean) =>
    foldHosts(each.filter(({outcome}) => wanted(outcome)).map(({host}) => host.name));
  const parts = [
    ['answered by', named(({kind}) => kind === 'done')],
    [
      'nothing was done on',
      named((outcome) => outcome.kind === 'not-run' || (outcome.kind === 'failed' && !outcome.mayBeDone)),
    ],
    ['nobody knows of', named((outcome) => outcome.kind === 'failed' && outcome.mayBeDone)],
  ];
  return `interrupted: ${parts
    .filter(([, hosts]) => hosts !== '')
    .map((part) => part.join(' '))
    .join('; ')}`;
}
