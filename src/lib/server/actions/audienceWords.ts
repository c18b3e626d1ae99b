import type {Audience} from '../../audience.ts';
import {STATUS} from '../../protocol/message.ts';
import {type ControlResult, failure} from '../controlResult.ts';
import type {Hosts} from '../hostResolver.ts';

/** The words after an action taken apart, as mod_msg does it; or what it says of them. */
export type AudienceWords =
  | {
      readonly kind: 'audience';
      readonly type: Audience['kind'];
      /** Empty for `all`. */
      readonly name: string;
      readonly rest: readonly string[];
    }
  | {readonly kind: 'refused'; readonly result: ControlResult};

export function takeAudience(action: string, [type, ...rest]: readonly string[]): AudienceWords {
  if (type === undefined) return refused('missing required parameters');
  if (type === 'all') return {kind: 'audience', type, name: '', rest};
  if (type !== 'user' && type !== 'host' && type !== 'class' && type !== 'session') {
    return refused(`unknown ${action} type requested: '${type}'`);
  }
  const [name, ...words] = rest;
  if (name === undefined) return refused(`${action} ${type}: missing required ${type} name`);
  return {kind: 'audience', type, name, rest: words};
}

/** The addresses of a host are looked up. */
export async function resolveAudience(
  action: string,
  {type, name}: {readonly type: Audience['kind']; readonly name: string},
  hosts: Hosts,
): Promise<Audience | ControlResult> {
  if (type === 'host') return resolveHost(action, name, hosts);
  return type === 'all' ? {kind: type} : {kind: type, name};
}

async function resolveHost(action: string, name: string, hosts: Hosts): Promise<Audience | ControlResult> {
  const resolution = await hosts.resolve(name);
  if (resolution.kind === 'found') return {kind: 'host', name, addresses: resolution.addresses};
  return failure(STATUS.SUBJECT_NOT_FOUND, `${action} host: error resolving '${name}': ${resolution.why}`);
}

function refused(line: string): AudienceWords {
  return {kind: 'refused', result: failure(STATUS.WRONG_PARAMETERS, line)};
}
