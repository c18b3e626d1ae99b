import {mayConnect, passes} from '../acl/evaluate.ts';
import {findings as aclFindings} from '../acl/findings.ts';
import {listAccess} from '../acl/passing.ts';
import type {Acl} from '../acl/resolve.ts';
import type {Location} from '../config/errors.ts';
import type {Facts} from './facts.ts';
import {edited, type FindingList} from './findings.ts';
import {letConnect, letSend, makeDirectory, mend, replace, shellWord} from './mends.ts';

export function aboutControls(facts: Facts, list: FindingList): void {
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

export function aboutSocket(facts: Facts, list: FindingList): void {
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
        const commands = makeDirectory(directory);
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

export function aboutConnecting(facts: Facts, list: FindingList): void {
  const {configuration, caller, probe} = facts;
  if (configuration.kind !== 'read' || !configuration.loaded.settings.controls.engine.value) return;
  const {access, file} = configuration;
  // That the daemon has let the caller in counts for more than what its file says.
  if (mayConnect(access, caller) || probe?.kind === 'accepted') return;
  const {socket} = access;
  const at = socket.kind === 'set' ? (socket.acl.user ?? socket.acl.group)?.rule.at : null;
  const mended = edited(facts, [letConnect(socket, caller, file)]);
  const {user, group} = caller;
  list.add('connect-denied', {user, group}, {blocks: 'controls', at, mend: mended});
}

export function aboutSending(facts: Facts, list: FindingList): void {
  const {configuration, caller} = facts;
  if (configuration.kind !== 'read') return;
  const {access, file, loaded} = configuration;
  const acl = access.actions.get('msg') ?? UNSET;
  if (!passes(acl, caller) && facts.probe?.kind !== 'accepted') {
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
