import {type Measurement, measure} from '../../daemon/measure.ts';
import {FtpdctlError} from '../../errors.ts';
import {countOf} from '../../text.ts';
import {askWith} from '../options/ask.ts';
import type {GlobalOptions} from '../options/flags.ts';
import {errorLine, understand} from '../output/failure.ts';
import {printable, printError, printJson} from '../output/output.ts';
import {isWithin, type Range} from './range.ts';

export interface CheckOptions extends GlobalOptions {
  readonly warning?: Range | undefined;
  readonly critical?: Range | undefined;
  readonly 'queue-warning'?: Range | undefined;
  readonly 'queue-critical'?: Range | undefined;
  readonly probe: boolean;
}

/** What the Monitoring Plugins' guidelines have a plugin exit with. */
const STATUSES = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;
const [OK, WARNING, CRITICAL, UNKNOWN] = [0, 1, 2, 3] as const;
type Status = typeof OK | typeof WARNING | typeof CRITICAL | typeof UNKNOWN;

/** One value of the performance data. */
interface Value {
  readonly label: string;
  readonly value: number;
  readonly unit: '' | 'B' | 's';
  readonly warning: Range | null;
  readonly critical: Range | null;
  readonly max: number | null;
}

interface CheckResult {
  readonly status: Status;
  readonly text: string;
  readonly values: readonly Value[];
}

/** Say in one line whether all is well, as Nagios and its heirs want it, whatever happens. */
export async function runCheck(options: CheckOptions): Promise<void> {
  reportCheck(await checkedResult(options), options);
}

async function checkedResult(options: CheckOptions): Promise<CheckResult> {
  try {
    return await check(options);
  } catch (error) {
    return unknown(error);
  }
}

/** An error is no verdict. */
export function unknown(error: unknown): CheckResult {
  return {status: UNKNOWN, text: errorLine(understand(error)), values: []};
}

export function reportCheck(
  {status, text, values}: CheckResult,
  {json, quiet}: Pick<GlobalOptions, 'json' | 'quiet'>,
): void {
  process.exitCode = status;
  const line = `FTPDCTL ${STATUSES[status]} - ${text.replaceAll('|', '/')}`;
  const data = values.map(performanceData).join(' ');
  if (json) printJson({status: STATUSES[status], text, values: values.map(asJson), exitStatus: status});
  else if (!quiet) process.stdout.write(`${printable(data === '' ? line : `${line} | ${data}`)}\n`);
  else if (status !== OK) printError(line);
}

async function check(options: CheckOptions): Promise<CheckResult> {
  const measured = await measure(options.socket, process.env);
  if (measured.kind === 'down') return {status: CRITICAL, text: measured.why, values: []};
  const values = valuesOf(measured, options);
  const {pid, isSuspended, sessions, limit, queue} = measured;
  const summary = [
    `${countOf(sessions.length, 'session')}${limit === null ? '' : ` of ${limit}`}`,
    queueText(queue),
  ].join(', ');
  const result = judge(summary, values, unmeasured(queue, options));
  if (isSuspended) {
    const why = `the process ${pid} has been stopped by a signal, and answers nobody (kill -CONT ${pid})`;
    return {...result, status: CRITICAL, text: `${result.text}, ${why}`};
  }
  return options.probe ? probed(result, measured, options) : result;
}

type Up = Extract<Measurement, {kind: 'up'}>;

function queueText(queue: Up['queue']): string {
  if (!queue.known) return `the message queue is not known: ${queue.why}`;
  return queue.value === null
    ? 'no message queue'
    : `${queue.value.bytes} of ${queue.value.capacity} bytes queued`;
}

/** What is to be compared, and is not there to be: that all is well would be no more than a guess. */
function unmeasured(queue: Up['queue'], options: CheckOptions): string[] {
  const isWanted = options['queue-warning'] !== undefined || options['queue-critical'] !== undefined;
  const isMeasured = queue.known && queue.value !== null;
  return isWanted && !isMeasured ? ['queue_bytes is not known'] : [];
}

function valuesOf({sessions, limit, queue}: Up, options: CheckOptions): Value[] {
  const [warning, critical] = [options.warning ?? null, options.critical ?? null];
  const ofSessions = {
    label: 'sessions',
    value: sessions.length,
    unit: '',
    warning,
    critical,
    max: limit,
  } as const;
  if (!queue.known || queue.value === null) return [ofSessions];
  const ofQueue = {
    label: 'queue_bytes',
    value: queue.value.bytes,
    unit: 'B',
    warning: options['queue-warning'] ?? null,
    critical: options['queue-critical'] ?? null,
    max: queue.value.capacity,
  } as const;
  return [ofSessions, ofQueue];
}

interface Outside {
  readonly status: Status;
  readonly label: string;
  readonly range: Range;
}

/** From all is well to what is worst: what is not known is graver than what is as expected, and nothing else. */
const GRAVITY: readonly Status[] = [OK, UNKNOWN, WARNING, CRITICAL];

/** The gravest of the values decides. */
function judge(summary: string, values: readonly Value[], missing: readonly string[]): CheckResult {
  const outside = values.flatMap(({label, value, warning, critical}): Outside[] => {
    if (critical !== null && !isWithin(critical, value)) return [{status: CRITICAL, label, range: critical}];
    return warning !== null && !isWithin(warning, value) ? [{status: WARNING, label, range: warning}] : [];
  });
  const found = [...outside.map(({status}) => status), ...missing.map((): Status => UNKNOWN)];
  const status = GRAVITY.findLast((each) => found.includes(each)) ?? OK;
  const reasons = outside.map(
    ({label, range}) =>
      `${label} is ${range.isInverted ? `within ${range.text.slice(1)}` : `not within ${range.text}`}`,
  );
  return {status, text: [summary, ...reasons, ...missing].join(', '), values};
}

/** Ask for `help`, which everybody may, and see how long the answer takes. */
async function probed(result: CheckResult, {socket}: Up, options: CheckOptions): Promise<CheckResult> {
  if (socket.known && socket.value === null)
    return {...result, status: CRITICAL, text: `${result.text}, no controls socket`};
  // Where a ProFTPD runs alone, what answers at one of the usual places is its own.
  const path = socket.known ? socket.value! : options.socket;
  const start = performance.now();
  try {
    await askWith({...options, socket: path, quiet: true})((daemon) => daemon.request('help'));
  } catch (error) {
    if (!(error instanceof FtpdctlError)) throw error;
    const status = socket.known ? CRITICAL : UNKNOWN;
    return {...result, status, text: `${result.text}, ${errorLine(error)}`};
  }
  const value = Math.round(performance.now() - start) / 1000;
  const time: Value = {label: 'poll_time', value, unit: 's', warning: null, critical: null, max: null};
  return {...result, text: `${result.text}, answers in ${value} s`, values: [...result.values, time]};
}

/** `'label'=value[unit];[warning];[critical];[min];[max]`, without the semicolons at its end. */
function performanceData({label, value, unit, warning, critical, max}: Value): string {
  const fields = [`${label}=${value}${unit}`, warning?.text ?? '', critical?.text ?? '', '0', max ?? ''];
  return fields.join(';').replace(/;+$/, '');
}

function asJson({label, value, unit, warning, critical, max}: Value) {
  return {
    label,
    value,
    unit,
    warning: warning?.text ?? null,
    critical: critical?.text ?? null,
    min: 0,
    max,
  };
}
