/** A process with a session queue, which does what its parent asks for. */
import {SessionQueue} from '../../src/lib/session/sessionQueue.ts';
import {ALL} from './support.ts';

const queue = SessionQueue.open(process.argv[2]!);

process.on('message', (question: string) => {
  if (question === 'sessions') process.send!(queue.sessions().map(({user}) => user));
  else process.send!(queue.deliver(ALL, question).id);
});
process.send!('ready');
