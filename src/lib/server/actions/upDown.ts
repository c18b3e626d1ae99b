import {STATUS} from '../../protocol/message.ts';
import {failure, success} from '../controlResult.ts';
import {findServer, isAll, serverNames} from '../virtualServers.ts';
import type {Action, ServerView} from './action.ts';

/** Answers of mod_ctrls_admin (measured on 1.3.8): the first word that names no server ends it, and there is no `all`. */
export const up: Action = {
  name: 'up',
  module: 'mod_ctrls_admin.c',
  description: 'enable a downed virtual server',
  permission: 'up',
  async run({args}, {settings, hosts, down}) {
    if (args.length === 0) return failure(STATUS.WRONG_PARAMETERS, 'up: missing required parameters');
    const names = await serverNames(settings, hosts);
    const lines: string[] = [];
    for (const arg of args) {
      const found = await findServer(arg, names, hosts);
      if (found.kind !== 'known') {
        const why =
          found.kind === 'unresolved'
            ? `up: unable to resolve address for '${found.host}'`
            : `up: no server associated with ${found.name}`;
        return {status: STATUS.SUBJECT_NOT_FOUND, lines: [...lines, why]};
      }
      lines.push(`up: ${found.name} ${down.has(found.name) ? 'enabled' : 'already enabled'}`);
      down.delete(found.name);
    }
    return success(lines);
  },
};

/**
 * Answers of mod_ctrls_admin (measured on 1.3.8, which itself goes on taking sessions unless `SocketBindTight` is on).
 * Sessions that there are stay.
 */
export const down: Action = {
  name: 'down',
  module: 'mod_ctrls_admin.c',
  description: 'disable an individual virtual server',
  permission: 'down',
  async run({args}, server) {
    if (args.length === 0) return failure(STATUS.WRONG_PARAMETERS, 'down: missing required parameters');
    const names = await serverNames(server.settings, server.hosts);
    const lines: string[] = [];
    for (const arg of args) {
      if (isAll(arg)) {
        server.down.add(...names);
        return success([...lines, 'down: all servers disabled']);
      }
      lines.push(await takeDown(arg, names, server));
    }
    return success(lines);
  },
};

async function takeDown(word: string, names: readonly string[], server: ServerView): Promise<string> {
  const found = await findServer(word, names, server.hosts);
  if (found.kind === 'unresolved') return `down: no such server: ${found.host}#${found.port}`;
  if (found.kind === 'unknown') return `down: no such server: ${found.name}`;
  if (server.down.has(found.name)) return `down: ${found.name} already disabled`;
  server.down.add(found.name);
  return `down: ${found.name} disabled`;
}
