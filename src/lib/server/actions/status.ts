import type {StatusDetails} from '../../protocol/details.ts';
import {STATUS} from '../../protocol/message.ts';
import {failure, success} from '../controlResult.ts';
import {findServer, isAll, serverNames} from '../virtualServers.ts';
import type {Action, ServerView} from './action.ts';

/** Answers of mod_ctrls_admin (measured on 1.3.8). */
export const status: Action = {
  name: 'status',
  module: 'mod_ctrls_admin.c',
  description: 'display status of servers',
  permission: 'status',
  async run({args}, server) {
    if (args.length === 0) return failure(STATUS.WRONG_PARAMETERS, 'status: missing required parameters');
    const names = await serverNames(server.settings, server.hosts);
    const lines: string[] = [];
    for (const arg of args) {
      if (isAll(arg)) {
        lines.push(...names.map((name) => stateOf(name, server)));
        break;
      }
      lines.push(await look(arg, names, server));
    }
    return success(lines, details(server));
  },
};

async function look(word: string, names: readonly string[], server: ServerView): Promise<string> {
  const found = await findServer(word, names, server.hosts);
  switch (found.kind) {
    case 'unresolved':
      return `status: no such server: ${found.host}#${found.port}`;
    case 'unknown':
      return `status: no server associated with ${found.name}`;
    case 'known':
      return stateOf(found.name, server);
  }
}

function stateOf(name: string, {down}: ServerView): string {
  return `status: ${name} ${down.has(name) ? 'DOWN' : 'UP'}`;
}

function details({settings, messages, startedAt}: ServerView): StatusDetails {
  const sessions = messages.sessions();
  return {
    uptime: Math.round((performance.now() - startedAt) / 1000),
    sessions: sessions.length,
    waiting: sessions.reduce((sum, {waiting}) => sum + waiting, 0),
    engine: settings.main.engine.value,
  };
}
