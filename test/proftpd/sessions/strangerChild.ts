import {openSessionProcess} from '../../../src/lib/proftpd/sessions/sessionProcess.ts';

/** What nobody may do with a session. usage: strangerChild DAEMON SESSION */
process.setgid!(65534);
process.setuid!(65534);
const [daemon, pid] = process.argv.slice(2).map(Number);
const {kind} = openSessionProcess(daemon!, {pid: pid!, connectedAt: null});
process.send!({kind});
setInterval(() => {}, 1000);
