import {findDaemons} from '../../../src/lib/proftpd/find/find.ts';
import {sessionInfo, sessionsOf} from '../../../src/lib/proftpd/sessions/list.ts';

/** Finds daemons and their sessions as another user: uid, and the configuration to look at. */

const [uid, pid, configuration] = process.argv
  .slice(2)
  .map((word, index) => (index < 2 ? Number(word) : word));
process.setgroups!([]);
process.setgid!(uid!);
process.setuid!(uid!);

const {daemons} = await findDaemons(
  configuration === undefined ? {} : {configuration: String(configuration)},
);
const daemon = daemons.find((each) => each.pid === pid);
const sessions = daemon?.scoreboard.known ? sessionsOf(daemon) : [];
process.send!({daemon, sessions: sessions.map((session) => sessionInfo(session))});
process.disconnect();
