import type {Dialect} from '../../src/lib/protocol/message.ts';
import {type Respond, type SpeakOptions, speakNow} from './behaviours.ts';
import {type ScriptedServer, startScriptedServer} from './scriptedServer.ts';

/** How a polling server polls. */
export interface PollingOptions extends SpeakOptions {
  readonly dialect: Dialect;
  readonly respond: Respond;
  /** Milliseconds between two polls. Without it there is a poll only when `poll()` is called. */
  readonly interval?: number;
  /** Clients served at each poll (`ControlsMaxClients`). Default 5, as in ProFTPD. */
  readonly maxClients?: number;
  readonly socket?: string;
}

/** A scripted server that looks at its clients only when it polls, as ProFTPD does. */
export interface PollingServer extends Pick<ScriptedServer, 'socket' | 'connections' | 'executed' | 'stop'> {
  /** How many clients wait for the next poll. */
  waiting(): number;
  /** Serves the next clients; those that have not written yet are told "blocked connection". */
  poll(): void;
}

/**
 * Starts a server that lets its clients wait until it polls. Unlike a real one it takes any number of waiting clients:
 * there the kernel turns away those beyond the backlog of 5.
 */
export async function startPollingServer(options: PollingOptions): Promise<PollingServer> {
  const {dialect, respond, interval, maxClients = 5, socket} = options;
  const turns: (() => void)[] = [];
  const serve = speakNow(dialect, respond, options);
  const server = await startScriptedServer(
    async (connection) => {
      await new Promise<void>((resolve) => turns.push(resolve));
      await serve(connection);
    },
    socket === undefined ? {} : {socket},
  );
  const poll = () => {
    for (const turn of turns.splice(0, maxClients)) turn();
  };
  const timer = interval === undefined ? undefined : setInterval(poll, interval);
  return {
    socket: server.socket,
    connections: server.connections,
    get executed() {
      return server.executed;
    },
    waiting: () => turns.length,
    poll,
    async stop() {
      clearInterval(timer);
      await server.stop();
    },
  };
}
