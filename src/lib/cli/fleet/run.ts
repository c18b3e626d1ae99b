import {ControlsDaemon} from '../../daemon/controls.ts';
import type {Daemon} from '../../daemon/daemon.ts';
import {FtpdctlError} from '../../errors.ts';
import {ClientMemory, type RemoteClient} from '../../fleet/clients.ts';
import {HostError} from '../../fleet/errors.ts';
import {sessionsByFtpwho} from '../../fleet/ftpwho.ts';
import {foldHosts, type Host} from '../../fleet/hosts.ts';
import {type Outcome, type RunClient, runOnHosts} from '../../fleet/run.ts';
import {linesOf, StockClient} from '../../fleet/stock.ts';
import {STATUS} from '../../protocol/message.ts';
import type {CommandLine} from '../options/argv.ts';
import type {BaseCommand, Elsewhere, PresentedAnswer, Program} from '../options/baseCommand.ts';
import {canAsk, confirmEnding, confirmWith} from '../options/confirm.ts';
import {globalFlags} from '../options/flags.ts';
import {UsageError} from '../options/usageError.ts';
import {type FleetCommand, fleetCommand} from './command.ts';
import {FleetProgress} from './progress.ts';
import {type HostAnswer, isWhoAnswer, reportFleet, showAnswers} from './report.ts';
import {selectHosts} from './selection.ts';

/** The class of a command. */
type CommandClass = Pick<typeof BaseCommand, 'executeElsewhere' | 'flags' | 'id'>;

/** What a stock client can do by its controls socket, with all that is ours on this side. */
const BY_CONTROLS_SOCKET = new Set(['msg', 'kick', 'status', 'request', '__allServers']);

/** What ends the whole of it in good order, by their numbers. */
const SIGNALS = {SIGHUP: 1, SIGINT: 2, SIGTERM: 15} as const;

/**
 * Run a command line on the hosts that it names, and tell what has become of it.
 * @param id oclif's name of the command
 * @throws FtpdctlError before anything is done anywhere
 */
export async function runElsewhere(
  id: string,
  line: CommandLine,
  load: () => Promise<{readonly default: CommandClass}>,
  program: Program,
): Promise<void> {
  const {default: Command} = await load();
  Command.id = id;
  refuseSharedInput(line);
  const command = await fleetCommand(id, line, {...globalFlags, ...Command.flags});
  const hosts = await selectHosts(selectionOf(line.options), process.env);
  await confirm(line, hosts);
  const run = (each: FleetCommand) => runOnEach(hosts, each, Command, program);
  if (command.preview !== undefined && canAsk(command)) {
    if (
      !(await isWanted(hosts, {...command, words: command.preview, json: false, quiet: false}, command, run))
    )
      return;
  }
  const {outcomes, signal} = await run(command);
  process.exitCode = reportFleet(hosts, outcomes, command, signal);
}

interface FleetResult {
  readonly outcomes: Map<string, Outcome<HostAnswer>>;
  /** Number of the one that has ended it. */
  readonly signal: number | undefined;
}

async function runOnEach(
  hosts: readonly Host[],
  command: FleetCommand,
  Command: CommandClass,
  program: Program,
): Promise<FleetResult> {
  const progress = new FleetProgress(hosts, command);
  const [stop, ended] = onSignals();
  try {
    const outcomes = await runOnHosts(hosts, {
      ...command,
      env: process.env,
      memory: new ClientMemory(process.env),
      signal: stop.signal,
      task: (_, client, run) =>
        client.kind === 'ours' ? runOurs(command, run) : runStock(command, client, run, Command, program),
      onEvent: (event) => progress.on(event),
    });
    return {outcomes, signal: ended()};
  } finally {
    progress.end();
    stop.abort();
  }
}

/** @throws UsageError where hosts and a message would both be read from standard input */
function refuseSharedInput({options, words}: CommandLine): void {
  if (!options.includes('--hosts-file=-')) return;
  const isRead =
    words.at(-1) === '-' ||
    words.some(
      (word, at) =>
        /^(?:-F-|--file=-)$/.test(word) || (/^(?:-F|--file)$/.test(word) && words[at + 1] === '-'),
    );
  if (isRead)
    throw new UsageError(
      'standard input is asked for twice: for hosts and for the message',
      'put one of them into a file',
    );
}

function selectionOf(options: readonly string[]) {
  const value = (name: string) =>
    options.find((option) => option.startsWith(`--${name}=`))?.slice(name.length + 3);
  return {hosts: value('hosts'), exclude: value('exclude'), 'hosts-file': value('hosts-file'), sudo: false};
}

/** @throws FtpdctlError, PromptAborted when a person would rather not */
async function confirm({action, words, options}: CommandLine, hosts: readonly Host[]): Promise<void> {
  const named = action === 'request' ? words : [action!, ...words];
  await confirmEnding(named, options, foldHosts(hosts.map(({name}) => name)));
}

/**
 * Show what would be done on each host, and ask once for all of them; where it could be done on none, that is the end of it.
 * @throws FtpdctlError, PromptAborted when a person would rather not
 */
async function isWanted(
  hosts: readonly Host[],
  preview: FleetCommand,
  command: FleetCommand,
  run: (command: FleetCommand) => Promise<FleetResult>,
): Promise<boolean> {
  const {outcomes, signal} = await run(preview);
  const isPossible = [...outcomes.values()].some(
    (outcome) => outcome.kind === 'done' && outcome.value.exitStatus === 0,
  );
  if (signal !== undefined || !isPossible) {
    process.exitCode = reportFleet(hosts, outcomes, preview, signal);
    return false;
  }
  const question = `Begin on ${foldHosts(hosts.map(({name}) => name))}?`;
  const isWanted = await confirmWith(question, command, (output) =>
    showAnswers(hosts, outcomes, preview, output),
  );
  if (!isWanted) throw new FtpdctlError('DECLINED', 'nothing was done');
  return true;
}

/** The first signal gives up what runs, and lets what was done be told; the second ends it at once. */
function onSignals(): [AbortController, () => number | undefined] {
  const stop = new AbortController();
  let number: number | undefined;
  const handlers = Object.entries(SIGNALS).map(([signal, value]) => {
    const handler = () => {
      if (number !== undefined) process.exit(128 + value);
      number = value;
      stop.abort();
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  stop.signal.addEventListener('abort', () => {
    if (number === undefined) for (const off of handlers) off();
  });
  return [stop, () => number];
}

/** Our own client there does everything there; it is asked in JSON where a program is to read it. */
async function runOurs(command: FleetCommand, run: RunClient): Promise<HostAnswer> {
  const asJson = command.json || command.id === 'who';
  const {words, input} = command;
  const {status, stdout, stderr} = await run(
    [...(asJson ? ['--json'] : []), ...words],
    input === undefined ? {} : {input},
  );
  const errors = linesOf(stderr);
  if (!asJson) return {exitStatus: status, lines: linesOf(stdout), errors};
  const json = command.id === 'drain' ? eventsIn(stdout, status) : objectIn(stdout);
  if (json === undefined || (command.id === 'who' && !isWhoAnswer(json))) {
    throw new HostError(
      'ANSWER_INVALID',
      `its answer makes no sense: ${[...errors, ...linesOf(stdout)][0] ?? 'it is empty'}`,
      {
        mayBeDone: true,
      },
    );
  }
  return {exitStatus: status, lines: [], errors, json};
}

/** Of a drain, each event is a line. */
function eventsIn(text: string, exitStatus: number): ReturnType<typeof objectIn> {
  const events = linesOf(text).map(objectIn);
  return events.length === 0 || events.includes(undefined) ? undefined : {events, exitStatus};
}

/** Objects in objects: more than any answer has, and fewer than a stack holds. */
const MAX_DEPTH = 50;

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) && isFlat(value, MAX_DEPTH)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function isFlat(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((each) => isFlat(each, depth - 1));
}

/** The stock client there carries the request; what it means, and what must not be sent, is known here. */
async function runStock(
  command: FleetCommand,
  client: RemoteClient,
  run: RunClient,
  Command: CommandClass,
  program: Program,
): Promise<HostAnswer> {
  if (command.id === 'who') {
    const sessions = await sessionsByFtpwho(client.path, run, command.filter);
    return {exitStatus: 0, lines: [], errors: [], json: {sessions, omitted: 0, exitStatus: 0}};
  }
  if (!BY_CONTROLS_SOCKET.has(command.id)) {
    const why = 'the ftpdctl that came with ProFTPD cannot say that';
    throw new FtpdctlError('UNSUPPORTED', why, -STATUS.UNSUPPORTED_OPERATION, {
      hint: 'install this one there',
    });
  }
  const stock = new StockClient((words, before) => run(words, {before}), client.dialect, command.socket);
  const answer = await answerOf(command, new ControlsDaemon(() => stock), Command, program);
  const {exitStatus, lines, hint, json} = answer;
  const said = hint === undefined ? [] : [hint];
  if (!command.quiet) return {exitStatus, lines, errors: said, json};
  return {exitStatus, lines: [], errors: exitStatus === 0 ? [] : [...lines, ...said], json};
}

/** Carry a command of ours out with a daemon of another machine. @throws FtpdctlError */
async function answerOf(
  {argv, text}: FleetCommand,
  daemon: Daemon,
  Command: CommandClass,
  program: Program,
): Promise<PresentedAnswer> {
  let answer: PresentedAnswer | undefined;
  const elsewhere: Elsewhere = {
    ask: (work) => work(daemon),
    onAnswer: (presented) => {
      answer = presented;
    },
    ...(text === undefined ? {} : {text}),
  };
  await Command.executeElsewhere(argv, {...program, elsewhere});
  if (answer === undefined) throw new HostError('ANSWER_INVALID', 'there is no answer', {mayBeDone: true});
  return answer;
}
