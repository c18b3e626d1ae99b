import {STATUS} from '../../protocol/message.ts';
import {failure, success} from '../controlResult.ts';
import {findServer, serverNames} from '../virtualServers.ts';
import type {Action} from './action.ts';

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
