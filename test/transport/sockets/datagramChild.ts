/** Binds a socket and counts what comes, or, as another user, tries to send to one. */
import {DatagramReceiver, DatagramSender} from '../../../src/lib/transport/sockets/datagram.ts';

const [role, path, uid] = process.argv.slice(2) as [string, string, string];

if (role === 'receive') {
  let received = 0;
  const receiver = DatagramReceiver.bind(path, () => {
    received++;
  });
  process.on('message', (question) => {
    if (question === 'count') process.send!(received);
    if (question === 'close') {
      receiver.close();
      process.disconnect();
    }
  });
  process.send!('bound');
} else {
  // The native package is loaded as root: the checkout may lie where nobody else can read.
  DatagramSender.connect(path, {trusts: () => true, onWritable: () => {}});
  process.setgid!(Number(uid));
  process.setuid!(Number(uid));
  const result = DatagramSender.connect(path, {trusts: () => true, onWritable: () => {}});
  process.send!(result.kind === 'failed' ? result.cause.message : result.kind, () => process.exit());
}
