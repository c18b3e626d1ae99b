import {readFileSync} from 'node:fs';

/** What a MessageLog says of one message. */
export interface LoggedMessage {
  readonly recipients: number;
  /** Of the server that sent it. */
  readonly pid: number;
  /** Line of the log. */
  readonly line: number;
  readonly shown: Set<string>;
  readonly undelivered: Set<string>;
  /** Sessions whose process ended while showing it. */
  readonly interrupted: Set<string>;
  /** Sessions that a later server knew nothing of. */
  unknown: number;
}

export interface MessageLogSummary {
  readonly messages: ReadonlyMap<string, LoggedMessage>;
  /** Lines that say that a server, or a session process, has ended and taken something with it. */
  readonly killedAt: readonly number[];
  readonly lostAt: readonly number[];
  readonly lines: number;
}

const ORIGIN = /^\S+ \S+ mod_msg\/[\d.]+\[(\d+)\]: (.*)$/;
const FROM = /^message (\S+) from .* client to .*: (\d+) sessions?/;
const SHOWN = /^message (\S+) shown to .* \(session (\S+), pid \d+\)$/;
const UNDELIVERED = /^message (\S+) undelivered to .* \(session (\S+), pid \d+\): /;
const INTERRUPTED = /^message (\S+) unknown to .* \(session (\S+), pid \d+\): /;
const UNKNOWN = /^message (\S+) unknown to (\d+) sessions?: /;

export function readMessageLog(file: string): MessageLogSummary {
  const messages = new Map<string, LoggedMessage>();
  const killedAt: number[] = [];
  const lostAt: number[] = [];
  const lines = readFileSync(file, 'utf8').split('\n');
  // A fate may be written down before the message is: by the next server, when the one that sent it was killed.
  for (const [line, each] of lines.entries()) {
    const [, pid, text = ''] = ORIGIN.exec(each) ?? [];
    const [, id, count] = FROM.exec(text) ?? [];
    if (id === undefined) continue;
    const empty = {
      shown: new Set<string>(),
      undelivered: new Set<string>(),
      interrupted: new Set<string>(),
      unknown: 0,
    };
    messages.set(id, {recipients: Number(count), pid: Number(pid), line, ...empty});
  }
  for (const [line, each] of lines.entries()) {
    const [, , text = ''] = ORIGIN.exec(each) ?? [];
    const [, shown, shownIn = ''] = SHOWN.exec(text) ?? [];
    const [, undelivered, undeliveredIn = ''] = UNDELIVERED.exec(text) ?? [];
    const [, interrupted, interruptedIn = ''] = INTERRUPTED.exec(text) ?? [];
    const [, unknown, count] = UNKNOWN.exec(text) ?? [];
    if (shown !== undefined) messages.get(shown)?.shown.add(shownIn);
    else if (undelivered !== undefined) messages.get(undelivered)?.undelivered.add(undeliveredIn);
    else if (interrupted !== undefined) messages.get(interrupted)?.interrupted.add(interruptedIn);
    else if (unknown !== undefined) {
      const message = messages.get(unknown);
      if (message !== undefined) message.unknown = Number(count);
    } else if (/ was killed: /.test(text)) killedAt.push(line);
    else if (/^session process \S+ ended before/.test(text)) lostAt.push(line);
  }
  return {messages, killedAt, lostAt, lines: lines.length};
}
