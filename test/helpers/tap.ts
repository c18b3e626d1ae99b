import {once} from 'node:events';
import {connect, createServer} from 'node:net';
import {onTestFinished} from 'vitest';

/** A way to a port on loopback that writes down what comes back. Closed at the end of the test. */
export async function tap(port: number): Promise<{readonly port: number; readonly wires: string[]}> {
  const wires: string[] = [];
  const listener = createServer((client) => {
    const index = wires.push('') - 1;
    const server = connect(port, '127.0.0.1').setEncoding('utf8');
    server.on('data', (text: string) => {
      wires[index] += text;
    });
    client.pipe(server).pipe(client);
    for (const end of [client, server]) {
      end.on('error', () => {
        client.destroy();
        server.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(() => void listener.close());
  return {port: (listener.address() as {port: number}).port, wires};
}
