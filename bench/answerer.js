import {createServer} from 'node:net';

/** A controls socket that answers every JSON request at once with "message sent": `node answerer.js PATH`. */
function frame(text) {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from(Uint32Array.of(bytes.length).buffer), bytes]);
}
const sent = frame('{"status":0,"responses":["message sent"]}');
const unsupported = frame('{"status":-7,"responses":["unsupported action requested"]}');

createServer((client) => {
  client.on('error', () => {});
  client.once('data', (request) => client.end(request.readUInt32LE(0) === 0 ? unsupported : sent));
}).listen(process.argv[2], () => process.send?.('listening'));
