import type {ControlAnswer} from '../client/client.ts';
import {STATUS} from '../protocol/message.ts';
import type {Ask} from './options/ask.ts';

/** Addresses in one request: of the longest ones as many fit into the 1,024 bytes that 1.3.10 takes, and 1.3.8's 32 words. */
const MAX_ADDRESSES = 16;

/**
 * Take all servers down or up, by the addresses that `status` names: ProFTPD has no `up all`, and what its `down all` does
 * differs from version to version.
 *
 * @returns the answers as one: all lines, and the first status that is a failure; that of `status` where nothing is to do
 */
export async function allServers(action: 'up' | 'down', ask: Ask): Promise<ControlAnswer> {
  const status = await ask((daemon) => daemon.request('status', ['all']));
  if (status.verdict !== STATUS.OK) return status;
  const addresses = addressesIn(status.responses, action === 'up' ? 'DOWN' : 'UP');
  const answers: ControlAnswer[] = [];
  for (let at = 0; at < addresses.length; at += MAX_ADDRESSES) {
    const some = addresses.slice(at, at + MAX_ADDRESSES);
    answers.push(await ask((daemon) => daemon.request(action, some)));
  }
  const told = answers.find(({verdict}) => verdict !== STATUS.OK) ?? answers[0] ?? status;
  return answers.length === 0 ? told : {...told, responses: answers.flatMap(({responses}) => responses)};
}

function addressesIn(lines: readonly string[], state: string): string[] {
  return lines.flatMap((line) => {
    const [, address, found] = /^status: (\S+#\d+) (UP|DOWN)$/.exec(line) ?? [];
    return address !== undefined && found === state ? [address] : [];
  });
}
