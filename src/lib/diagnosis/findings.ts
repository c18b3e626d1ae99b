import {mayConnect, passes} from '../acl/evaluate.ts';
import {findings as aclFindings} from '../acl/findings.ts';
import {listAccess} from '../acl/passing.ts';
import type {Acl} from '../acl/resolve.ts';
import type {Location} from '../config/errors.ts';
import type {ServerSettings, Settings} from '../config/settings.ts';
import type {ConfigurationFacts, DaemonFacts, Facts, FileProblem, ProgramFacts} from './facts.ts';
import {
  append,
  type Edit,
  letConnect,
  letSend,
  type Mend,
  mend,
  remove,
  replace,
  shellWord,
} from './mends.ts';

/** What each finding tells beside its place. */
export interface FindingDetails {
  'not-installed': {readonly packages: Facts['packages']};
  installed: {readonly program: string; readonly version: string | null};
  'configuration-broken': {readonly problem: string};
  'configuration-unknown': {readonly why: string};
  'configuration-assumed': {readonly file: string};
  'configuration-exposed': {readonly file: string};
  'module-missing': {readonly module: string};
  'message-log-none': Record<string, never>;
  'not-started-for-file': FileProblem;
  'not-running': {readonly others: number};
  elsewhere: {readonly pid: number};
  untrusted: {readonly pid: number; readonly why: string};
  running: {readonly pid: number; readonly dialect: string | null; readonly configuration: string | null};
  'configuration-newer': {readonly file: string};
  'no-controls': {readonly program: string};
  'controls-off': Record<string, never>;
  'socket-unknown': {readonly why: string};
  'socket-missing': {readonly path: string};
  'socket-no-directory': {readonly path: string; readonly directory: string};
  'socket-stale': {readonly path: string};
  'socket-elsewhere': {readonly path: string};
  'socket-forbidden': {readonly path: string; readonly what: string; readonly user: string};
  'socket-not-found': {readonly path: string; readonly taken: string | null};
  'private-tmp': {readonly pid: number; readonly version: string};
  socket: {readonly path: string};
  'connect-denied': {readonly user: string; readonly group: string};
  'msg-denied': {readonly user: string; readonly group: string};
  access: {readonly connect: string; readonly msg: string; readonly you: boolean; readonly root: boolean};
  acl: {readonly message: string};
  'msg-not-installed': {readonly packages: Facts['packages']};
  'msg-not-loaded': Record<string, never>;
  'engine-off': {readonly server: string; readonly all: boolean};
  'msg-ready': {readonly servers: number};
  'queue-unset': Record<string, never>;
  'queue-unknown': {readonly why: string};
  'queue-no-directory': {readonly path: string; readonly directory: string};
  'queue-missing': {readonly path: string};
  'queue-foreign': {readonly path: string; readonly uid: number};
  'queue-elsewhere': Record<string, never>;
  'queue-full': {readonly path: string; readonly bytes: number; readonly capacity: number};
  'queue-leftovers': {readonly messages: number};
  'queue-lost': {readonly version: string};
  queue: {readonly path: string; readonly bytes: number; readonly capacity: number};
  'scoreboard-off': Record<string, never>;
  'scoreboard-unreadable': {readonly why: string};
  scoreboard: {readonly path: string; readonly sessions: number; readonly others: number};
  direct: Record<string, never>;
  'not-direct': {readonly why: string};
  'message-log': FileProblem;
  interval: {readonly seconds: number};
  'probe-accepted': {readonly milliseconds: number};
  'probe-denied': {readonly line: string};
  'probe-unsupported': {readonly line: string};
  'probe-failed': {readonly why: string};
}

export type FindingCode = keyof FindingDetails;

/** `fault`: keeps messages from arriving; `warning`: does so for others, or soon; `note`: good to know; `ok`: as it should be. */
export type Level = 'fault' | 'warning' | 'note' | 'ok';

/** What a finding keeps from being done: messages by the controls socket, messages altogether, or nobody can say which. */
type Blocks = 'nothing' | 'controls' | 'messages' | 'certainty';

interface FindingOf<C extends FindingCode> {
  readonly code: C;
  readonly level: Level;
  /** `null`: no line of a file is to blame. */
  readonly at: Location | null;
  readonly details: FindingDetails[C];
  readonly mend: Mend | null;
}

export type Finding = {[C in FindingCode]: FindingOf<C>}[FindingCode];

/** Whether a message of the caller would arrive, and all that was found, in the order in which one mends. */
export interface Diagnosis {
  readonly works: boolean;
  /** The way that a message would go; `null`: none. */
  readonly via: 'direct' | 'controls' | null;
  readonly findings: readonly Finding[];
}

export function diagnose(facts: Facts): Diagnosis {
  const list = new FindingList();
  const isRunning = facts.daemon.kind === 'running';
  aboutProgram(facts, list);
  aboutFiles(facts, list);
  // Directives of a module that is not loaded keep a ProFTPD from starting.
  if (!isRunning) aboutModule(facts, list);
  aboutDaemon(facts, list);
  aboutControls(facts, list);
  aboutSocket(facts, list);
  aboutConnecting(facts, list);
  if (isRunning) aboutModule(facts, list);
  aboutSending(facts, list);
  aboutEngines(facts, list);
  aboutQueue(facts, list);
  aboutScoreboard(facts, list);
  aboutTheRest(facts, list);
  const isDirect = facts.direct.kind === 'possible';
  return list.judge(isDirect, facts.probe?.kind === 'accepted');
}

/** Findings as they are made; how grave each is can be said when all are there. */
class FindingList {
  readonly #found: {finding: Finding; blocks: Blocks}[] = [];

  add<C extends FindingCode>(
    code: C,
    details: FindingDetails[C],
    {level = 'ok', blocks = 'nothing', at = null, ...rest}: FindingOptions = {},
  ): void {
    const finding = {code, details, level, at, mend: rest.mend ?? null} as unknown as Finding;
    this.#found.push({finding, blocks});
  }

  judge(isDirect: boolean, isAccepted: boolean): Diagnosis {
    const blocked = new Set(this.#found.map(({blocks}) => blocks));
    if (isAccepted) blocked.delete('certainty');
    const hasWay = !blocked.has('messages') && !blocked.has('certainty');
    const via = !hasWay ? null : isDirect ? 'direct' : blocked.has('controls') ? null : 'controls';
    const grave: Level = via === null ? 'fault' : 'warning';
    const findings = this.#found.map(({finding, blocks}) =>
      blocks === 'nothing' ? finding : {...finding, level: grave},
    );
    return {works: via !== null, via, findings};
  }
}

interface FindingOptions {
  readonly level?: Level;
  readonly blocks?: Blocks;
  readonly at?: Location | null | undefined;
  readonly mend?: Mend | undefined;
}

function aboutProgram({program, packages, daemon}: Facts, list: FindingList): void {
  if (program !== null) {
    list.add('installed', {program: program.path, version: program.version});
    return;
  }
  if (daemon.kind === 'running') return;
  const commands = packages === null ? [] : [INSTALL[packages].proftpd];
  list.add('not-installed', {packages}, {blocks: 'messages', mend: mend({commands})});
}

const INSTALL = {
  apt: {
    proftpd: 'apt-get install -y proftpd-core proftpd-mod-msg',
    mod_msg: 'apt-get install -y proftpd-mod-msg',
  },
  dnf: {proftpd: 'dnf install -y proftpd', mod_msg: null},
} as const;

type Read = Extract<ConfigurationFacts, {kind: 'read'}>;

/** What keeps a ProFTPD from starting, or from starting again. */
function aboutFiles({configuration, daemon, files, packages, program}: Facts, list: FindingList): void {
  const blocks: Blocks = daemon.kind === 'running' ? 'nothing' : 'messages';
  const found = (at: Location | null, edits: readonly Edit[], commands: readonly string[] = []) =>
    ({level: 'warning', blocks, at, mend: mend({edits, commands})}) as const;
  if (configuration.kind === 'broken') {
    const {at, problem} = configuration;
    const location = at.line === undefined ? null : {file: at.file, line: at.line};
    const where = location === null ? `${at.file}: ` : '';
    list.add('configuration-broken', {problem: `${where}${problem}`}, {blocks: 'certainty', at: location});
  }
  if (configuration.kind === 'unknown' && program !== null)
    list.add('configuration-unknown', {why: configuration.why}, {blocks: 'certainty'});
  if (configuration.kind !== 'read') return;
  if (configuration.isAssumed) list.add('configuration-assumed', {file: configuration.file}, {level: 'note'});
  for (const file of configuration.exposed)
    list.add(
      'configuration-exposed',
      {file},
      {
        level: 'warning',
        mend: mend({commands: [`chown root ${shellWord(file)}`, `chmod go-w ${shellWord(file)}`]}),
      },
    );
  for (const {value, at} of configuration.missingModules) {
    if (value === MOD_MSG) continue;
    list.add('module-missing', {module: value}, found(at, [remove(at)]));
  }
  if (packages === null && program === null) return;
  const {log} = configuration.loaded.settings.message;
  if (log.at !== null && log.value === null)
    list.add('message-log-none', {}, found(log.at, [remove(log.at)]));
  for (const problem of files) {
    if (problem.directive === 'MessageLog') continue;
    const {at} = settingOf(configuration.loaded.settings, problem);
    list.add('not-started-for-file', problem, {...found(at, []), mend: mendFile(problem, at, program)});
  }
}

function settingOf({controls, message, scoreboardFile}: Settings, {directive}: FileProblem) {
  if (directive === 'ScoreboardFile') return scoreboardFile;
  return directive === 'ControlsLog' ? controls.log : message.log;
}

/** Where distributions have their logs. */
const LOG_DIRECTORY = '/var/log/proftpd';

function mendFile(
  {directive, directory, problem, path}: FileProblem,
  at: Location | null,
  program: ProgramFacts | null,
): Mend {
  if (problem === 'missing') return mend({commands: [`mkdir -p -m 755 ${shellWord(directory)}`]});
  if (problem === 'open') return mend({commands: [`chmod o-w ${shellWord(directory)}`]});
  if (at === null) return mend({});
  const isScoreboard = directive === 'ScoreboardFile';
  const other = isScoreboard
    ? (program?.scoreboard ?? '/run/proftpd.scoreboard')
    : `${LOG_DIRECTORY}/${path.slice(path.lastIndexOf('/') + 1)}`;
  return mend({
    edits: [replace(at, `${directive} ${other}`)],
    commands: isScoreboard ? [] : [`mkdir -p -m 755 ${LOG_DIRECTORY}`],
  });
}

function aboutDaemon({daemon, configuration}: Facts, list: FindingList): void {
  switch (daemon.kind) {
    case 'stopped': {
      const commands = daemon.start === null ? [] : [daemon.start];
      list.add('not-running', {others: daemon.others}, {blocks: 'messages', mend: mend({commands})});
      return;
    }
    case 'elsewhere':
      list.add('elsewhere', {pid: daemon.pid}, {blocks: 'messages', mend: mend({prefix: daemon.prefix})});
      return;
    case 'untrusted':
      list.add('untrusted', {pid: daemon.pid, why: daemon.why}, {blocks: 'messages'});
      return;
    case 'running': {
      const file = configuration.kind === 'unknown' ? null : configuration.file;
      list.add('running', {pid: daemon.pid, dialect: daemon.dialect, configuration: file});
      const newer = configuration.kind === 'read' ? writtenSince(configuration, daemon) : null;
      if (newer !== null)
        list.add('configuration-newer', {file: newer}, {blocks: 'certainty', mend: mend({restart: true})});
    }
  }
}

/** Milliseconds by which a file that was written before a daemon started may seem to be newer. */
const WRITE_TOLERANCE_MS = 1000;

function writtenSince({newest}: Read, {startedAt, restartedAt}: Extract<DaemonFacts, {kind: 'running'}>) {
  const readAt = Math.max(startedAt, restartedAt ?? 0);
  return newest !== null && newest.at > readAt + WRITE_TOLERANCE_MS ? newest.file : null;
}

/** A line of the configuration is changed, and a daemon that runs must read it. */
function edited({daemon}: Facts, edits: readonly Edit[], commands: readonly string[] = []): Mend {
  return mend({edits, commands, restart: daemon.kind === 'running'});
}

function aboutControls(facts: Facts, list: FindingList): void {
  const {program, configuration} = facts;
  if (program?.controls === false) list.add('no-controls', {program: program.path}, {blocks: 'messages'});
  if (configuration.kind !== 'read') return;
  const {engine} = configuration.loaded.settings.controls;
  if (engine.value || engine.at === null) return;
  const {at} = engine;
  list.add(
    'controls-off',
    {},
    {blocks: 'controls', at, mend: edited(facts, [replace(at, 'ControlsEngine on')])},
  );
}

function aboutSocket(facts: Facts, list: FindingList): void {
  const {socket, caller, program} = facts;
  const restart = mend({restart: true});
  switch (socket.kind) {
    case 'none':
      return;
    case 'unknown':
      list.add('socket-unknown', {why: socket.why}, {blocks: 'controls'});
      return;
    case 'missing': {
      const {path, directory, hasDirectory} = socket;
      const at = socketLine(facts);
      if (hasDirectory) list.add('socket-missing', {path}, {blocks: 'controls', at, mend: restart});
      else {
        const commands = [`mkdir -p -m 755 ${shellWord(directory)}`];
        const options = {blocks: 'controls', at, mend: mend({commands, restart: true})} as const;
        list.add('socket-no-directory', {path, directory}, options);
      }
      return;
    }
    case 'stale':
      list.add('socket-stale', {path: socket.path}, {blocks: 'controls', mend: restart});
      return;
    case 'elsewhere': {
      const options = {
        blocks: 'controls',
        at: socketLine(facts),
        mend: mend({prefix: socket.prefix}),
      } as const;
      list.add('socket-elsewhere', {path: socket.path}, options);
      return;
    }
    case 'forbidden': {
      const {path, what} = socket;
      const commands = [`chmod ${what === path ? 'a+rwx' : 'a+x'} ${shellWord(what)}`];
      list.add(
        'socket-forbidden',
        {path, what, user: caller.user},
        {blocks: 'controls', mend: mend({commands})},
      );
      return;
    }
    case 'there': {
      const {path, taken, privateTmp} = socket;
      list.add('socket', {path});
      if (taken !== undefined) {
        const prefix = `env FTPDCTL_SOCKET=${shellWord(path)}`;
        list.add('socket-not-found', {path, taken}, {blocks: 'controls', mend: mend({prefix})});
      }
      if (privateTmp !== null) {
        const options = {blocks: 'controls', mend: mend({prefix: `nsenter -t ${privateTmp} -m`})} as const;
        list.add('private-tmp', {pid: privateTmp, version: program?.version ?? ''}, options);
      }
    }
  }
}

function socketLine({configuration}: Facts): Location | null {
  return configuration.kind === 'read' ? configuration.loaded.settings.controls.socket.at : null;
}

/** ProFTPD's word for root. */
const ROOT = {uid: 0, gid: 0};

function aboutConnecting(facts: Facts, list: FindingList): void {
  const {configuration, caller} = facts;
  if (configuration.kind !== 'read' || !configuration.loaded.settings.controls.engine.value) return;
  const {access, file} = configuration;
  if (mayConnect(access, caller)) return;
  const {socket} = access;
  const at = socket.kind === 'set' ? (socket.acl.user ?? socket.acl.group)?.rule.at : null;
  const mended = edited(facts, [letConnect(socket, caller, file)]);
  const {user, group} = caller;
  list.add('connect-denied', {user, group}, {blocks: 'controls', at, mend: mended});
}

function aboutSending(facts: Facts, list: FindingList): void {
  const {configuration, caller} = facts;
  if (configuration.kind !== 'read') return;
  const {access, file, loaded} = configuration;
  const acl = access.actions.get('msg') ?? UNSET;
  if (!passes(acl, caller)) {
    const at = (acl.user ?? acl.group)?.rule.at;
    const {user, group} = caller;
    const mended = edited(facts, [letSend(acl, caller, file)]);
    list.add('msg-denied', {user, group}, {blocks: 'messages', at, mend: mended});
  }
  if (!loaded.settings.controls.engine.value) return;
  const who = (action: string) => listAccess(access).find((each) => each.action === action)?.who ?? '';
  const may = (one: typeof ROOT) => mayConnect(access, one) && passes(acl, one);
  list.add(
    'access',
    {connect: who('connect'), msg: who('msg'), you: may(caller), root: may(ROOT)},
    {level: 'note'},
  );
  for (const {at, message} of aclFindings(access)) list.add('acl', {message}, {level: 'note', at});
}

const UNSET: Acl = {user: null, group: null};
const MOD_MSG = 'mod_msg.c';

function aboutModule(facts: Facts, list: FindingList): void {
  const {configuration, packages} = facts;
  if (configuration.kind !== 'read') return;
  const {loaded, missingModules, hasMsgFile} = configuration;
  const line = missingModules.find(({value}) => value === MOD_MSG);
  const isLoaded = loaded.modules.has(MOD_MSG);
  const edits = isLoaded ? [] : [loadLine(configuration)];
  if (line !== undefined || (!isLoaded && hasMsgFile === false)) {
    const install = packages === null ? null : INSTALL[packages].mod_msg;
    const options = {at: line?.at, mend: edited(facts, edits, install === null ? [] : [install])};
    list.add('msg-not-installed', {packages}, {blocks: 'messages', ...options});
  } else if (!isLoaded) list.add('msg-not-loaded', {}, {blocks: 'messages', mend: edited(facts, edits)});
}

/** Before everything that needs the module, and after what says where modules are. */
function loadLine({file, loaded}: Read): Edit {
  const path = loaded.moduleLines.findLast(({kind}) => kind === 'path')?.at;
  return {
    action: 'insert',
    file: path?.file ?? file,
    line: path?.line ?? 0,
    lines: [`LoadModule ${MOD_MSG}`],
  };
}

function aboutEngines(facts: Facts, list: FindingList): void {
  if (facts.configuration.kind !== 'read') return;
  const {file, loaded} = facts.configuration;
  const {main, virtualHosts} = loaded.settings;
  const servers = [main, ...virtualHosts].filter(({port}) => port.value !== 0);
  const off = servers.filter(({engine}) => !engine.value);
  const all = off.length === servers.length;
  if (off.length === 0) list.add('msg-ready', {servers: servers.length});
  for (const server of off) {
    const {at} = server.engine;
    const edits =
      at === null
        ? [append(file, '<Global>', '  MessageEngine on', '</Global>')]
        : [replace(at, 'MessageEngine on')];
    // A server that a line leaves out is meant to be.
    const isMeant = at !== null && !all;
    const options = {
      level: 'warning',
      blocks: isMeant ? 'nothing' : 'messages',
      mend: edited(facts, edits),
    } as const;
    list.add('engine-off', {server: nameOf(server), all}, {...options, at: at ?? server.name.at});
  }
}

/** `ftp.example.org, port 21` */
function nameOf({name, addresses, port}: ServerSettings): string {
  return `${[name.value, ...addresses.value].join(' ')}, port ${port.value}`;
}

function aboutQueue(facts: Facts, list: FindingList): void {
  const {queue, configuration, daemon, program} = facts;
  const at = configuration.kind === 'read' ? configuration.loaded.settings.message.queue.at : null;
  const file = configuration.kind === 'read' ? configuration.file : null;
  switch (queue.kind) {
    case 'none':
      return;
    case 'unset': {
      const edits = file === null ? [] : [append(file, `MessageQueue ${DEFAULT_QUEUE}`)];
      const commands = ['mkdir -p /etc/proftpd', `touch ${DEFAULT_QUEUE}`];
      list.add('queue-unset', {}, {blocks: 'messages', mend: edited(facts, edits, commands)});
      return;
    }
    case 'unknown':
      list.add('queue-unknown', {why: queue.why}, {level: 'warning'});
      return;
    case 'no directory': {
      const {path, directory} = queue;
      const mended = edited(facts, [], [`mkdir -p -m 755 ${shellWord(directory)}`]);
      list.add('queue-no-directory', {path, directory}, {blocks: 'messages', at, mend: mended});
      return;
    }
    case 'missing':
      list.add('queue-missing', {path: queue.path}, {blocks: 'messages', at, mend: mend({restart: true})});
      return;
    case 'foreign': {
      const mended = mend({commands: [`ipcrm -Q ${queue.key}`], restart: true});
      list.add('queue-foreign', {path: queue.path, uid: queue.uid}, {blocks: 'messages', at, mend: mended});
      return;
    }
    case 'elsewhere':
      list.add('queue-elsewhere', {}, {level: 'warning', mend: mend({prefix: queue.prefix})});
      return;
    case 'there': {
      const {path, bytes, capacity, leftovers, isFull} = queue;
      if (isFull)
        list.add(
          'queue-full',
          {path, bytes, capacity},
          {blocks: 'controls', at, mend: mend({restart: true})},
        );
      else list.add('queue', {path, bytes, capacity});
      if (leftovers > 0) list.add('queue-leftovers', {messages: leftovers}, {level: 'note'});
      // Measured: its module asks for the queue with a number that it has given back, and says "Invalid argument".
      if (daemon.kind === 'running' && daemon.restartedAt !== null && daemon.dialect === 'binary') {
        const options = {blocks: 'controls', mend: mend({restart: true})} as const;
        list.add('queue-lost', {version: program?.version ?? ''}, options);
      }
    }
  }
}

const DEFAULT_QUEUE = '/etc/proftpd/message-queue';

function aboutScoreboard(facts: Facts, list: FindingList): void {
  const {scoreboard, configuration, program} = facts;
  switch (scoreboard.kind) {
    case 'none':
      return;
    case 'off': {
      const at = configuration.kind === 'read' ? configuration.loaded.settings.scoreboardFile.at : null;
      const path = program?.scoreboard ?? '/run/proftpd.scoreboard';
      const edits = at === null ? [] : [replace(at, `ScoreboardFile ${path}`)];
      list.add('scoreboard-off', {}, {blocks: 'messages', at, mend: edited(facts, edits)});
      return;
    }
    case 'unreadable':
      list.add('scoreboard-unreadable', {why: scoreboard.why}, {level: 'warning'});
      return;
    case 'read': {
      const {path, sessions, others} = scoreboard;
      list.add('scoreboard', {path, sessions, others});
    }
  }
}

function aboutTheRest(
  {direct, daemon, configuration, files, program, probe, ...others}: Facts,
  list: FindingList,
): void {
  if (daemon.kind === 'running') {
    if (direct.kind === 'possible') list.add('direct', {});
    else list.add('not-direct', {why: direct.why}, {level: 'note'});
  }
  if (configuration.kind === 'read') {
    const {controls, message} = configuration.loaded.settings;
    const facts = {daemon, configuration, direct, files, program, probe, ...others};
    for (const problem of files.filter(({directive}) => directive === 'MessageLog')) {
      const {at} = message.log;
      const {edits, commands} = mendFile(problem, at, program);
      list.add('message-log', problem, {level: 'warning', at, mend: edited(facts, edits, commands)});
    }
    const {value, at} = controls.interval;
    if (value > 1 && controls.engine.value) {
      const edits = [at === null ? append(configuration.file, FASTEST) : replace(at, FASTEST)];
      list.add('interval', {seconds: value}, {level: 'note', at, mend: edited(facts, edits)});
    }
  }
  if (probe === null) return;
  if (probe.kind === 'accepted') list.add('probe-accepted', {milliseconds: probe.milliseconds});
  if (probe.kind === 'denied') list.add('probe-denied', {line: probe.line}, {blocks: 'controls'});
  if (probe.kind === 'unsupported') list.add('probe-unsupported', {line: probe.line}, {blocks: 'messages'});
  if (probe.kind === 'failed') list.add('probe-failed', {why: probe.why}, {blocks: 'controls'});
}

const FASTEST = 'ControlsInterval 1';
