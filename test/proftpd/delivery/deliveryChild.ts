import {deliver} from '../../../src/lib/proftpd/delivery/deliver.ts';
import {DeliveryQueue} from '../../../src/lib/proftpd/delivery/deliveryQueue.ts';
import {sessionsOf} from '../../../src/lib/proftpd/sessions/list.ts';
import {processStat} from '../../../src/lib/transport/processes/proc.ts';

/**
 * Sends messages, one after the other, to every session there is, and says what became of each.
 * usage: deliveryChild DAEMON QUEUE-KEY SCOREBOARD NAME COUNT TIMEOUT
 */
const [daemon, key, scoreboard, name, count, timeoutMs] = process.argv.slice(2);
const pid = Number(daemon);
const queue = DeliveryQueue.open(Number(key), pid)!;
const source = {
  ...{pid, startTicks: processStat(pid)!.startTicks},
  scoreboard: {known: true, value: {path: scoreboard!, fd: null}},
} as const;

process.send!('ready');
for (let number = 0; number < Number(count); number += 1) {
  const sessions = sessionsOf(source).filter(({user}) => user !== null);
  const text = `${name}.${number}.`;
  const results = await deliver(pid, queue, [text], sessions, {
    audit: () => {},
    timeoutMs: Number(timeoutMs),
  });
  process.send!({
    text,
    outcomes: results.map(({session, outcome}) => ({pid: session.pid, kind: outcome.kind})),
  });
}
queue.close();
process.disconnect();
