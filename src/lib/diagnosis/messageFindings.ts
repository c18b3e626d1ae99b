import type {ServerSettings} from '../config/settings.ts';
import type {Facts} from './facts.ts';
import {edited, type FindingList} from './findings.ts';
import {append, makeDirectory, mend, replace} from './mends.ts';
import {mendFile} from './serverFindings.ts';

export function aboutEngines(facts: Facts, list: FindingList): void {
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

export function aboutQueue(facts: Facts, list: FindingList): void {
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
      const mended = edited(facts, [], makeDirectory(directory));
      list.add('queue-no-directory', {path, directory}, {blocks: 'messages', at, mend: mended});
      return;
    }
    case 'missing':
      list.add(
        'queue-missing',
        {path: queue.path},
        {blocks: queue.isSure ? 'messages' : 'outcome', at, mend: mend({restart: true})},
      );
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
      // Measured: its module asks for the queue with a number that it has given back, and says "Invalid argument". The
      // sessions that begin then take nothing from the queue, whoever puts it there.
      if (daemon.kind === 'running' && daemon.restartedAt !== null && daemon.dialect === 'binary') {
        const options = {blocks: 'messages', mend: mend({restart: true})} as const;
        list.add('queue-lost', {version: program?.version ?? ''}, options);
      }
    }
  }
}

const DEFAULT_QUEUE = '/etc/proftpd/message-queue';

export function aboutScoreboard(facts: Facts, list: FindingList): void {
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
    case 'lost': {
      const {path, why, isSure} = scoreboard;
      list.add(
        'scoreboard-lost',
        {path, why},
        {blocks: isSure ? 'messages' : 'outcome', mend: mend({restart: true})},
      );
      return;
    }
    case 'read': {
      const {path, sessions, others} = scoreboard;
      list.add('scoreboard', {path, sessions, others});
    }
  }
}

export function aboutTheRest(
  {direct, daemon, configuration, files, program, probe, timeout, ...others}: Facts,
  list: FindingList,
): void {
  if (daemon.kind === 'running') {
    if (direct.kind === 'possible') list.add('direct', {});
    else list.add('not-direct', {why: direct.why}, {level: 'note'});
  }
  if (configuration.kind === 'read') {
    const {controls, message} = configuration.loaded.settings;
    const facts = {daemon, configuration, direct, files, program, probe, timeout, ...others};
    for (const problem of files.filter(({directive}) => directive === 'MessageLog')) {
      const {at} = message.log;
      const {edits, commands} = mendFile(problem, at, program);
      list.add('message-log', problem, {level: 'warning', at, mend: edited(facts, edits, commands)});
    }
    const {value, at} = controls.interval;
    const seconds = timeout / 1000;
    // An answer comes at the next look, or never for whoever has gone by then.
    const blocks = value < seconds ? 'nothing' : 'controls';
    if (value > 1 && controls.engine.value) {
      const edits = [at === null ? append(configuration.file, FASTEST) : replace(at, FASTEST)];
      const options = {level: 'note', blocks, at, mend: edited(facts, edits)} as const;
      list.add('interval', {seconds: value, timeout: seconds}, options);
    }
  }
  if (probe === null) return;
  if (probe.kind === 'accepted') list.add('probe-accepted', {milliseconds: probe.milliseconds});
  if (probe.kind === 'denied') list.add('probe-denied', {line: probe.line}, {blocks: 'controls'});
  if (probe.kind === 'unsupported') list.add('probe-unsupported', {line: probe.line}, {blocks: 'messages'});
  if (probe.kind === 'failed') list.add('probe-failed', {why: probe.why}, {blocks: 'controls'});
}

const FASTEST = 'ControlsInterval 1';
