import {once} from 'node:events';
import {chmod, mkdtemp, rm} from 'node:fs/promises';
import {createServer, type Server} from 'node:net';
import {join} from 'node:path';
import type {ControlRequest} from '../../src/lib/protocol/message.ts';
import type {Behaviour} from './behaviours.ts';
import {HeldConnection} from './heldConnection.ts';

/**
 * A controls socket that follows a script: one behaviour for every connection, or one for each in the order in which
 * they are made, the last one for all that follow.
 */
export async function startScriptedServer(
  script: Behaviour | readonly Behaviour[],
  options: {socket?: string} = {},
): Promise<ScriptedServer> {
  const directory = options.socket === undefined ? await mkdtemp('/tmp/scripted-') : null;
  const socket = options.socket ?? join(directory!, 'ctrls');
  const server = new ScriptedServer(socket, directory, typeof script === 'function' ? [script] : script);
  if (directory !== null) await chmod(directory, 0o755);
  await server.listen();
  return server;
}

/** A running scripted server and what it has seen. */
export class ScriptedServer {
  /** Its path: everybody may connect. */
  readonly socket: string;
  /** Every connection so far, in order: `received`, `clientPath`, `executed`. */
  readonly connections: HeldConnection[] = [];
  readonly #directory: string | null;
  readonly #server: Server;

  constructor(socket: string, directory: string | null, script: readonly Behaviour[]) {
    this.socket = socket;
    this.#directory = directory;
    this.#server = createServer({pauseOnConnect: true}, (client) => {
      const connection = new HeldConnection(client, this.connections.length);
      this.connections.push(connection);
      const behaviour = script[connection.index] ?? script.at(-1)!;
      behaviour(connection).finally(() => connection.close());
    });
  }

  /** The requests that were carried out, in the order of their connections. */
  get executed(): ControlRequest[] {
    return this.connections.flatMap(({executed}) => executed ?? []);
  }

  async listen(): Promise<void> {
    this.#server.listen(this.socket);
    await once(this.#server, 'listening');
    await chmod(this.socket, 0o777);
  }

  /** Closes every connection and removes the socket. */
  async stop(): Promise<void> {
    for (const connection of this.connections) connection.close();
    await once(this.#server.close(), 'close');
    if (this.#directory !== null) await rm(this.#directory, {recursive: true, force: true});
  }
}
