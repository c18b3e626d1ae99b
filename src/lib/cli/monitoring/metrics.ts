import {type Measurement, measure} from '../../daemon/measure.ts';
import type {GlobalOptions} from '../options/flags.ts';
import {printable, printJson} from '../output/output.ts';

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Print what was measured in Prometheus' text format. @throws FtpdctlError where nothing could be measured */
export async function runMetrics({socket, json, quiet}: GlobalOptions): Promise<void> {
  const metrics = metricsOf(await measure(socket, process.env));
  if (json) printJson({metrics, exitStatus: 0});
  else if (!quiet) process.stdout.write(expositionOf(metrics));
}

/** @param measured that of one moment: every metric is a gauge */
export function metricsOf(measured: Measurement): Metric[] {
  const up = gauge('proftpd_up', 'Whether the ProFTPD runs.', measured.kind === 'up' ? 1 : 0);
  if (measured.kind === 'down') return [up];
  const {startedAt, sessions, limit} = measured;
  const queue = measured.queue.known ? measured.queue.value : null;
  const transfers = sessions.flatMap(({transfer}) => transfer ?? []);
  const byDirection = (value: (one: (typeof transfers)[number]) => number): Sample[] =>
    DIRECTIONS.map((direction) => ({
      labels: {direction},
      value: transfers.filter((one) => one.direction === direction).reduce((sum, one) => sum + value(one), 0),
    }));
  return [
    up,
    gauge(
      'proftpd_start_time_seconds',
      'When it was started, in seconds since the epoch.',
      Math.round(startedAt / 1000),
    ),
    {
      name: 'proftpd_sessions',
      help: 'Sessions by protocol and class; class is empty for those of none.',
      samples: sessionSamples(sessions),
    },
    gauge(
      'proftpd_sessions_authenticated',
      'Sessions whose user has logged in.',
      sessions.filter(({user}) => user !== null).length,
    ),
    ...(limit === null
      ? []
      : [gauge('proftpd_sessions_limit', 'Sessions that there may be (MaxInstances).', limit)]),
    {name: 'proftpd_transfers', help: 'Files and listings on their way.', samples: byDirection(() => 1)},
    {
      name: 'proftpd_transfer_bytes',
      help: 'Bytes that are done of the files on their way.',
      samples: byDirection(({bytes}) => bytes),
    },
    ...(queue === null
      ? []
      : [
          gauge('proftpd_message_queue_bytes', 'Bytes on the message queue.', queue.bytes),
          gauge('proftpd_message_queue_capacity_bytes', 'Bytes that it may hold.', queue.capacity),
          gauge('proftpd_message_queue_messages', 'Messages on the message queue.', queue.messages),
        ]),
  ];
}

const DIRECTIONS = ['download', 'upload'] as const;

function gauge(name: string, help: string, value: number): Metric {
  return {name, help, samples: [{labels: {}, value}]};
}

/** FTP sessions of no class are counted where there are none, too: a series that is not there cannot be compared. */
function sessionSamples(
  sessions: readonly {readonly protocol: string | null; readonly class: string | null}[],
): Sample[] {
  const counts = new Map<string, Sample>();
  const count = (protocol: string, className: string, by: number) => {
    const key = `${protocol} ${className}`;
    const value = (counts.get(key)?.value ?? 0) + by;
    counts.set(key, {labels: {protocol, class: className}, value});
  };
  count('ftp', '', 0);
  for (const {protocol, class: className} of sessions) count(protocol ?? 'unknown', className ?? '', 1);
  return [...counts.values()];
}

/** Prometheus' text exposition format, version 0.0.4. */
export function expositionOf(metrics: readonly Metric[]): string {
  const lines = metrics.flatMap(({name, help, samples}) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...samples.map(({labels, value}) => `${name}${labelList(labels)} ${value}`),
  ]);
  return `${lines.join('\n')}\n`;
}

function labelList(labels: Sample['labels']): string {
  const each = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return each.length === 0 ? '' : `{${each.join(',')}}`;
}

/** Of a label's value; what could drive a terminal is no part of it. */
const ESCAPES: Readonly<Record<string, string>> = {'\\': '\\\\', '"': '\\"', '\n': '\\n'};

function escaped(value: string): string {
  return printable(value).replace(/[\\"\n]/g, (character) => ESCAPES[character]!);
}
