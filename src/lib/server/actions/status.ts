import type {ServerSettings} from '../../config/settings.ts';
import type {StatusDetails} from '../../protocol/details.ts';
import {STATUS} from '../../protocol/message.ts';
import {failure, success} from '../controlResult.ts';
import type {Action, ServerView} from './action.ts';

/** `DefaultAddress` when it is not set. */
const ANY_ADDRESS = '0.0.0.0';
const DEFAULT_PORT = 21;

/** Answers of mod_ctrls_admin: the last virtual host first, the main server last (measured on 1.3.8). */
export const status: Action = {
  name: 'status',
  module: 'mod_ctrls_admin.c',
  description: 'display status of servers',
  permission: 'status',
  async run({args}, server) {
    if (args.length === 0) return failure(STATUS.WRONG_PARAMETERS, 'status: missing required parameters');
    return answer(args, server);
  },
};

async function answer(args: readonly string[], server: ServerView) {
  const {settings, hosts} = server;
  const listening = [settings.main, ...settings.virtualHosts].reverse().filter(({port}) => port.value !== 0);
  const servers = (await Promise.all(listening.map((each) => endpoints(each, hosts)))).flat();
  if (args[0] === 'all') return success(servers.map(up), details(server));
  const lines = await Promise.all(args.map((arg) => look(arg, servers, hosts)));
  return success(lines, details(server));
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

async function endpoints(
  {addresses, port}: ServerSettings,
  hosts: ServerView['hosts'],
): Promise<readonly Endpoint[]> {
  const names = addresses.value.length === 0 ? [ANY_ADDRESS] : [...addresses.value].reverse();
  const found = await Promise.all(names.map((name) => firstAddress(name, hosts)));
  return found.map((address, index) => ({address: address ?? names[index]!, port: port.value}));
}

/** `ADDRESS[#PORT]`. A port that is no number is 0 (measured). */
async function look(word: string, servers: readonly Endpoint[], hosts: ServerView['hosts']): Promise<string> {
  const [host = '', digits] = word.split('#', 2);
  const port = digits === undefined ? DEFAULT_PORT : Number.parseInt(digits, 10) || 0;
  const address = await firstAddress(host, hosts);
  if (address === undefined) return `status: no such server: ${host}#${port}`;
  const wanted = {address, port};
  const known = servers.some((each) => each.address === address && each.port === port);
  return known ? up(wanted) : `status: no server associated with ${address}#${port}`;
}

async function firstAddress(name: string, hosts: ServerView['hosts']): Promise<string | undefined> {
  const resolution = await hosts.resolve(name);
  return resolution.kind === 'found' ? resolution.addresses[0] : undefined;
}

function up({address, port}: Endpoint): string {
  return `status: ${address}#${port} UP`;
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
