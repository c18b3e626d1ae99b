/** Binds a socket as another user. */
import {DatagramReceiver} from '../../../src/lib/transport/sockets/datagram.ts';

const [path, uid] = process.argv.slice(2) as [string, string];
// The native package is loaded as root: the checkout may lie where nobody else can read.
DatagramReceiver.bind(`${path}.root`, () => {}).close();
process.setgid!(Number(uid));
process.setuid!(Number(uid));
DatagramReceiver.bind(path, () => {});
process.send!('bound');
