/** A process with a mailbox and a number of sessions, which does what its parent asks for. */
import {openMailbox} from '../../src/lib/session/mailbox/processMailbox.ts';
import {identity} from './support.ts';

const [queuePath, count] = process.argv.slice(2) as [string, string];
const mailbox = openMailbox({queuePath});
const sessions = Array.from({length: Number(count)}, (_, at) =>
  mailbox.register(identity({user: `user${at + 1}`})),
);

process.on('message', async (question) => {
  switch (question) {
    case 'pending':
      process.send!(sessions.map((session) => session.pending().map(({text}) => text)));
      break;
    case 'show': {
      const shown = sessions.map((session) => {
        const messages = session.pending();
        session.shown(messages.map(({id}) => id));
        return messages.map(({text}) => text);
      });
      process.send!(shown);
      break;
    }
    case 'register':
      sessions.push(mailbox.register(identity()));
      setImmediate(() => process.send!('registered'));
      break;
    case 'show and die':
      for (const session of sessions) session.shown(session.pending().map(({id}) => id));
      setImmediate(() => setImmediate(() => process.kill(process.pid, 'SIGKILL')));
      break;
    case 'close':
      await mailbox.close();
      process.send!('closed', () => process.disconnect());
      break;
  }
});
process.send!('ready');
