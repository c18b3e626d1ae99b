/** A process with a session queue, of another user if need be, which does what its parent asks for. */
import {createRequire} from 'node:module';
import {SessionQueue} from '../../src/lib/session/queue/sessionQueue.ts';
import {ALL, ROOT} from './support.ts';

const [queuePath, uid] = process.argv.slice(2) as [string, string | undefined];
if (uid !== undefined) {
  // The native package is loaded as root: the checkout may lie where nobody else can read.
  createRequire(import.meta.url)('unix-dgram');
  process.setgid!(Number(uid));
  process.setuid!(Number(uid));
}
const queue = SessionQueue.open(queuePath);

let ignored = 0;
queue.on('ignored', () => ignored++);

process.on('message', (question: string) => {
  if (question === 'sessions') process.send!(queue.sessions().map(({user}) => user));
  else if (question === 'unanswered') process.send!(queue.unanswered);
  else if (question === 'ignored') process.send!(ignored);
  else process.send!(queue.deliver(ALL, question, ROOT).id);
});
process.send!('ready');
