import {createServer} from 'node:net';

/**
 * Two controls sockets that answer every JSON request at once with "message sent": as `ftpdctl serve` does, and as a
 * ProFTPD of another machine or container. `node answerer.js SERVE_PATH PROFTPD_PATH`
 */
function frame(value) {
  const bytes = Buffer.from(JSON.stringify(value));
  return Buffer.concat([Buffer.from(Uint32Array.of(bytes.length).buffer), bytes]);
}
const [servePath, proftpdPath] = process.argv.slice(2);
const sent = {status: 0, responses: ['message sent']};
const unsupported = frame({status: -7, responses: ['unsupported action requested']});

let listening = 0;
function listen(path, answer) {
  createServer((client) => {
    client.on('error', () => {});
    client.once('data', (request) => client.end(request.readUInt32LE(0) === 0 ? unsupported : answer));
  }).listen(path, () => ++listening === 2 && process.send?.('listening'));
}
const details = {recipients: 1, engineOff: 0, refused: 0, unanswered: 0};
listen(servePath, frame({...sent, ftpdctl: {version: '0.1.0', maxRequest: 65_536, details}}));
listen(proftpdPath, frame(sent));
