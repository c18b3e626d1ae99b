import {broadcast} from './broadcast.js';
import {benchDelivery} from './delivery.js';
import {benchDirect} from './direct.js';
import {benchFleet} from './fleet.js';
import {printTable} from './measure.js';
import {benchServer} from './server.js';
import {benchSessions} from './sessions.js';
import {benchStart} from './start.js';
import {benchWho} from './who.js';

/**
 * `npm run bench [NAME...]`: speed, as ratios measured in one run; names choose some of the measurements. `start` is measured
 * for each Node whose program is given, `npm run bench start /opt/node-24/bin/node /usr/lib/ftpdctl/node`.
 */
const BENCHES = {
  start: () => benchStart(nodes),
  server: benchServer,
  broadcast: benchBroadcast,
  sessions: benchSessions,
  delivery: benchDelivery,
  direct: benchDirect,
  fleet: benchFleet,
  who: benchWho,
};

async function benchBroadcast() {
  const rows = await broadcast();
  const thousand = rows.find(({sessions}) => sessions === 1000);
  printTable(
    '`msg all`: until every session holds it (goals: 10,000 within 1 s, ratio <= 1, <= 10 KB of server memory a session)',
    ['sessions', 'ms', 'us/session', 'ratio to 1,000', 'server B/session', 'mailbox B/session'],
    rows.map(({sessions, ms, usPerSession, serverBytes, mailboxBytes}) => [
      sessions,
      ms.toFixed(1),
      usPerSession.toFixed(1),
      (usPerSession / thousand.usPerSession).toFixed(2),
      Math.round(serverBytes),
      Math.round(mailboxBytes),
    ]),
  );
}

const args = process.argv.slice(2);
const nodes = args.filter((each) => each.includes('/'));
const wanted = args.filter((each) => !each.includes('/'));
for (const [name, bench] of Object.entries(BENCHES)) {
  if (wanted.length === 0 || wanted.includes(name)) await bench();
}
