import type {Remembered} from '../../client/memory.ts';
import {messageRequest, type Peer, RequestRefused} from '../../protocol/guard.ts';
import {printable} from '../output/printable.ts';
import type {Questions} from './questions.ts';
import {roomLeft} from './room.ts';

/** Ask for the text of a message that the server takes. For a ProFTPD it is written in ASCII, and shown so. */
export async function askText(
  questions: Questions,
  server: Remembered,
  audience: readonly string[],
): Promise<string> {
  const peer: Peer = server.serve ? {kind: 'serve', maxRequest: server.serve.maxRequest} : {kind: 'proftpd'};
  const adapt = peer.kind === 'serve' ? (text: string) => text : (await import('any-ascii')).default;
  const typed = await questions.text({
    message: 'Message:',
    severalLines: peer.kind === 'serve',
    room: (text) => roomLeft(server, audience, adapt(text)),
    refusal(text) {
      try {
        messageRequest(server.dialect, audience, adapt(text), peer);
        return undefined;
      } catch (error) {
        if (error instanceof RequestRefused) return error.message;
        throw error;
      }
    },
  });
  const text = adapt(typed);
  if (text !== typed) process.stdout.write(`In ASCII, which alone this server takes: ${printable(text)}\n`);
  return text;
}
