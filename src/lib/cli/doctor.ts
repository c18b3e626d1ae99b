import {resolve} from 'node:path';
import {DEFAULT_TIMEOUT} from '../client/client.ts';
import {namedSocket} from '../client/discovery.ts';
import {knownServeSocket} from '../client/serverCache.ts';
import {gatherFacts} from '../daemon/diagnosis/facts.ts';
import {diagnose} from '../diagnosis/diagnose.ts';
import type {Facts} from '../diagnosis/facts.ts';
import type {Diagnosis, Finding, FindingDetails} from '../diagnosis/findings.ts';
import type {Edit, Mend} from '../diagnosis/mends.ts';
import {FtpdctlError} from '../errors.ts';
import {STATUS} from '../protocol/message.ts';
import {countOf} from '../text.ts';
import {askWith} from './options/ask.ts';
import type {GlobalOptions} from './options/flags.ts';
import {printError, printJson, printLine} from './output/output.ts';

interface DoctorOptions extends GlobalOptions {
  readonly config?: string | undefined;
  readonly probe: boolean;
}

/** Look, judge, and tell. @throws FtpdctlError */
export async function runDoctor(options: DoctorOptions): Promise<void> {
  const {socket, config, probe, json, quiet} = options;
  const {env} = process;
  const configuration = (config && resolve(config)) || env['PROFTPD_CONF'] || undefined;
  const named = namedSocket(socket, env)?.path;
  const isForServe = named !== undefined && config === undefined;
  if (isForServe && (await knownServeSocket(named, env)) !== undefined) throw forServe(named);
  const send = (path: string, words: readonly string[]) =>
    askWith({...options, socket: path, via: 'controls'})((daemon) => daemon.request('msg', words));
  const facts = await gatherFacts({
    socket: named,
    configuration,
    env,
    timeout: options.timeout ?? DEFAULT_TIMEOUT,
    ...(probe ? {send} : {}),
  });
  const diagnosis = diagnose(facts);
  process.exitCode = diagnosis.works ? 0 : 1;
  if (json) printJson(asJson(facts, diagnosis, process.exitCode));
  else if (quiet) tellFaults(facts, diagnosis);
  else for (const line of report(facts, diagnosis)) printLine(line);
}

function forServe(socket: string): FtpdctlError {
  const why = `ftpdctl serve listens at ${socket}, and doctor is for a ProFTPD`;
  return new FtpdctlError('UNSUPPORTED', why, -STATUS.UNSUPPORTED_OPERATION, {
    hint: '"ftpdctl acl check msg" says whether you may send messages',
  });
}

function asJson(
  {caller, program, configuration, daemon}: Facts,
  {works, via, findings}: Diagnosis,
  exitStatus: number,
) {
  return {
    works,
    via,
    user: caller.user,
    proftpd: {
      program: program?.path ?? null,
      version: program?.version ?? null,
      pid: 'pid' in daemon ? daemon.pid : null,
      configuration: configuration.kind === 'unknown' ? null : configuration.file,
    },
    restart: daemon.kind === 'running' ? daemon.restart : null,
    findings: findings.map((finding) => ({
      code: finding.code,
      level: finding.level,
      message: messageOf(finding),
      file: finding.at?.file ?? null,
      line: finding.at?.line ?? null,
      mend: finding.mend === null ? null : {...finding.mend, edits: finding.mend.edits.map(editAsJson)},
    })),
    exitStatus,
  };
}

function editAsJson(edit: Edit) {
  const {action, file, lines} = edit;
  return {action, file, line: 'line' in edit ? edit.line : null, lines};
}

function tellFaults(facts: Facts, {works, findings}: Diagnosis): void {
  if (works) return;
  const faults = findings.filter(({level}) => level === 'fault');
  for (const line of [...faults.flatMap(linesOf), ...howTo(faults, facts)]) printError(line);
}

function report(facts: Facts, diagnosis: Diagnosis): string[] {
  const {findings} = diagnosis;
  return [...findings.flatMap(linesOf), ...howTo(findings, facts), verdict(facts, diagnosis)];
}

/** What is to be known of all that is to be done. */
function howTo(findings: readonly Finding[], {daemon}: Facts): string[] {
  const mends = findings.flatMap(({mend}) => mend ?? []);
  const counted = mends.flatMap(({edits}) => edits).filter((edit) => 'line' in edit);
  const restart = daemon.kind === 'running' && mends.some((each) => each.restart) ? daemon.restart : null;
  return [
    ...(counted.length > 1 ? ['lines are counted as the files are now'] : []),
    ...(restart === null ? [] : [`to restart it, which ends its sessions: ${restart}`]),
  ];
}

function verdict({caller, probe, socket}: Facts, {works, via, findings}: Diagnosis): string {
  const who = `a message of ${caller.user}`;
  if (works) {
    const way = via === 'direct' ? 'directly' : 'by the controls socket';
    return `${who} would arrive, ${way}`;
  }
  const faults = findings.filter(({level}) => level === 'fault').length;
  const certain = findings.every(({code, level}) => level !== 'fault' || !UNCERTAIN.has(code));
  if (certain || probe !== null) return `${who} would not arrive: ${countOf(faults, 'fault')}`;
  const hint = socket.kind === 'there' ? ' (--probe asks the daemon)' : '';
  return `nobody can say whether ${who} would arrive: ${countOf(faults, 'fault')}${hint}`;
}

/** With these a message may arrive all the same. */
const UNCERTAIN: ReadonlySet<string> = new Set([
  'configuration-broken',
  'configuration-newer',
  'configuration-undecided',
  'configuration-unknown',
]);

/** `fault: FILE:LINE: what is wrong`, and below it what to do. */
function linesOf(finding: Finding): string[] {
  const {level, at, mend} = finding;
  const place = at === null ? '' : `${at.file}:${at.line}: `;
  const head = `${level}: ${place}${messageOf(finding)}`;
  return [head, ...(mend === null ? [] : mendLines(mend)).map((line) => `    ${line}`)];
}

function mendLines({edits, commands, restart, prefix}: Mend): string[] {
  return [
    ...edits.flatMap(editLines),
    ...commands.map((command) => `run: ${command}`),
    ...(restart ? ['restart it'] : []),
    ...(prefix === null ? [] : [`type: ${prefix} ftpdctl ...`]),
  ];
}

function editLines(edit: Edit): string[] {
  const lines = edit.lines.map((line) => `    ${line}`);
  switch (edit.action) {
    case 'append':
      return [`add at the end of ${edit.file}:`, ...lines];
    case 'insert':
      return [
        edit.line === 0 ? `add at the top of ${edit.file}:` : `add after line ${edit.line} of ${edit.file}:`,
        ...lines,
      ];
    case 'replace':
      return [`replace line ${edit.line} of ${edit.file} by:`, ...lines];
    case 'delete':
      return [`remove line ${edit.line} of ${edit.file}`];
  }
}

function messageOf({code, details}: Finding): string {
  return (WORDS[code] as (details: unknown) => string)(details);
}

const NAMED_FILES = {
  missing: 'is not there',
  open: 'may be written to by everybody',
  shared: 'may be written to by everybody',
  link: 'has a symbolic link of that name',
} as const;

/** Each finding in one sentence without its place. */
const WORDS: {readonly [C in keyof FindingDetails]: (details: FindingDetails[C]) => string} = {
  'not-installed': ({packages}) =>
    `no ProFTPD is installed${packages === null ? '; the README of ftpdctl tells how to build one' : ''}`,
  installed: ({program, version}) =>
    version === null ? `${program} does not tell its version` : `${program} is ProFTPD ${version}`,
  'configuration-broken': ({problem}) => `ProFTPD would not start with it, or it cannot be read: ${problem}`,
  'configuration-unknown': ({why}) => `its configuration is not known: ${why}; --config names it`,
  'configuration-assumed': ({file}) => `${file} is taken for its configuration; root would know`,
  'configuration-undecided': ({condition}) =>
    `nobody can say whether ${condition} holds, on which messages depend`,
  'configuration-exposed': ({file}) => `others than root may write ${file}`,
  'module-missing': ({module}) => `ProFTPD does not start: there is no file of the module ${module}`,
  'message-log-none': () => 'ProFTPD does not start: mod_msg wants a path, although "none" is documented',
  'not-started-for-file': ({directive, directory, problem, path}) =>
    `ProFTPD does not start: the directory ${directory} of its ${directive} ${problem === 'link' ? `${NAMED_FILES.link}: ${path}` : NAMED_FILES[problem]}`,
  inetd: () =>
    'inetd starts a process for each session, and none has controls; a server of inetd for its port is to be taken away, too',
  'not-running': ({others}) =>
    others.length === 0
      ? 'no ProFTPD runs'
      : `the one that is meant does not run; those that do: ${others.map(({pid, socket}) => `pid ${pid}${socket === null ? '' : ` (-s ${socket})`}`).join(', ')}`,
  elsewhere: ({pid}) => `the ProFTPD with pid ${pid} runs in another pid namespace`,
  untrusted: ({why}) => why,
  running: ({pid, dialect, configuration}) =>
    [
      `it runs with pid ${pid}`,
      ...(dialect === null ? [] : [`speaks the ${dialect} dialect`]),
      ...(configuration === null ? [] : [`and its configuration is ${configuration}`]),
    ].join(', '),
  suspended: ({pid}) => `the process ${pid} has been stopped by a signal, and answers nobody`,
  'configuration-newer': ({file}) =>
    `${file} has been written since it was started, so that it may do other than is said here`,
  'no-controls': ({program}) => `${program} was built without --enable-ctrls: it has no controls`,
  'controls-off': () => 'ControlsEngine is off: there is no controls socket',
  'socket-unknown': ({why}) => `its controls socket is not known: ${why}`,
  'socket-missing': ({path}) => `there is no controls socket at ${path}`,
  'socket-no-directory': ({path, directory}) =>
    `there is no directory ${directory} for the controls socket ${path}`,
  'socket-stale': ({path}) =>
    `nobody listens at ${path}: it was closed by "rmctrl all", or is of a daemon that has died`,
  'socket-elsewhere': ({path}) =>
    `the daemon sees other files than you: its controls socket ${path} is in a mount namespace of its own (PrivateTmp= of its systemd unit, a container)`,
  'socket-forbidden': ({path, what, user}) =>
    path === what
      ? `${user} may not write to the controls socket ${path}`
      : `${user} may not enter ${what}, where the controls socket ${path} is`,
  'socket-not-found': ({path, taken}) =>
    taken === null
      ? `the controls socket ${path} is at no place where it is looked for`
      : `unless you name the controls socket ${path}, another is taken: ${taken}`,
  'private-tmp': ({pid, version}) =>
    `ProFTPD ${version} must see its clients in /tmp, and the process ${pid} has a /tmp of its own: leave PrivateTmp= out of its systemd unit`,
  socket: ({path}) => `it listens at ${path}`,
  'connect-denied': ({user, group}) =>
    `ControlsSocketACL does not let ${user} (primary group ${group}) connect`,
  'msg-denied': ({user, group}) =>
    `MessageControlsACLs does not let ${user} (primary group ${group}) send messages`,
  access: ({connect, msg, you, root}) =>
    `may connect: ${connect}; may send messages by the controls socket: ${msg} (you: ${you ? 'yes' : 'no'}, root: ${root ? 'yes' : 'no'})`,
  acl: ({message}) => message,
  'msg-not-installed': ({packages}) =>
    `the module mod_msg is not installed${packages === 'apt' ? '' : ': compile it (prxs -c -i -d mod_msg.c)'}`,
  'msg-not-loaded': () => 'the module mod_msg is not loaded',
  'engine-off': ({server, all}) =>
    `MessageEngine is off for ${server}${all ? '' : ': its sessions get no messages'}`,
  'msg-ready': ({servers}) =>
    `mod_msg is loaded, and its engine is on for ${servers === 1 ? 'the server' : `all ${servers} servers`}`,
  'queue-unset': () => 'no MessageQueue is named, so that no message can be sent',
  'queue-unknown': ({why}) => `its message queue is not known: ${why}`,
  'queue-no-directory': ({path, directory}) =>
    `there is no directory ${directory} for the MessageQueue ${path}`,
  'queue-missing': ({path}) =>
    `the kernel has no message queue for ${path}: somebody has removed it, or its file is another one now`,
  'queue-foreign': ({path, uid}) =>
    `the message queue of ${path} was made by uid ${uid}, who can read and take every message`,
  'queue-elsewhere': () => 'its message queue is in another IPC namespace',
  'queue-full': ({bytes, capacity}) =>
    `the message queue is full (${bytes} of ${capacity} bytes): a message would make the daemon spin`,
  'queue-leftovers': ({messages}) =>
    `on the message queue there ${messages === 1 ? 'is' : 'are'} ${countOf(messages, 'message')} for sessions that have ended; one that root sends directly removes them`,
  'queue-lost': ({version}) =>
    `it has read its configuration again since it was started, after which ProFTPD ${version} answers "Invalid argument" to every message, and the sessions that have begun since take none`,
  queue: ({path, bytes, capacity}) => `the message queue of ${path} holds ${bytes} of ${capacity} bytes`,
  'scoreboard-off': () => 'without a scoreboard no message finds its sessions',
  'scoreboard-unreadable': ({why}) =>
    `its sessions are not known, so that a full queue would not be noticed: ${why}`,
  'scoreboard-lost': ({path, why}) =>
    `no message finds the sessions that begin now: its scoreboard ${path} has been lost: ${why}`,
  scoreboard: ({path, sessions, others}) =>
    `${path} has ${countOf(sessions, 'session')}${others === 0 ? '' : ` and ${others} that show${others === 1 ? 's' : ''} no messages`}`,
  direct: () => 'messages go directly to the sessions',
  'not-direct': ({why}) => `messages go by the controls socket: ${why}`,
  'message-log': ({directory, problem, path}) =>
    `MessageLog stays empty: ${problem === 'link' ? `${path} is a symbolic link` : `the directory ${directory} ${NAMED_FILES[problem]}`}`,
  interval: ({seconds, timeout}) =>
    `it looks at its controls socket every ${seconds} s only${seconds < timeout ? '' : `, and after ${timeout} s nobody waits any more (--timeout)`}`,
  'probe-accepted': ({milliseconds}) => `asked, it would send a message; the answer took ${milliseconds} ms`,
  'probe-denied': ({line}) => `asked, it says: ${line}`,
  'probe-unsupported': ({line}) => `asked, it knows no messages: ${line}`,
  'probe-failed': ({why}) => `asked, it does not take a message: ${why}`,
};
