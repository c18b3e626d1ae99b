import type {Location} from '../config/errors.ts';
import type {Settings} from '../config/settings.ts';
import type {DaemonFacts, Facts, FileProblem, ProgramFacts} from './facts.ts';
import {type Blocks, edited, type FindingList, type Read} from './findings.ts';
import {type Edit, type Mend, makeDirectory, mend, remove, replace, shellWord} from './mends.ts';

export function aboutProgram({program, packages, daemon}: Facts, list: FindingList): void {
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

const MOD_MSG = 'mod_msg.c';

/** What keeps a ProFTPD from starting, or from starting again. */
export function aboutFiles(
  {configuration, daemon, files, packages, program}: Facts,
  list: FindingList,
): void {
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
  if (configuration.undecided !== null) {
    const {text, at} = configuration.undecided;
    list.add('configuration-undecided', {condition: text}, {level: 'warning', blocks: 'certainty', at});
  }
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

export function mendFile(
  {directive, directory, problem, path}: FileProblem,
  at: Location | null,
  program: ProgramFacts | null,
): Mend {
  if (problem === 'missing') return mend({commands: makeDirectory(directory)});
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

export function aboutDaemon(facts: Facts, list: FindingList): void {
  const {daemon, configuration} = facts;
  const type = configuration.kind === 'read' ? configuration.loaded.settings.serverType : null;
  if (type?.value === 'inetd' && daemon.kind !== 'running') {
    const mended = edited(facts, [replace(type.at!, 'ServerType standalone')]);
    list.add('inetd', {}, {blocks: 'messages', at: type.at, mend: mended});
    // The sessions that there are have no daemon; of what is not there, the next finding tells.
    if (daemon.kind === 'untrusted') return;
  }
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
      if (daemon.isSuspended) {
        const mended = mend({commands: [`kill -CONT ${daemon.pid}`]});
        list.add('suspended', {pid: daemon.pid}, {blocks: 'controls', mend: mended});
      }
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

export function aboutModule(facts: Facts, list: FindingList): void {
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
