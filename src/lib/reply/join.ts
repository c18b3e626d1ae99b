import {type Charset, messageLines, type Reply} from './reply.ts';

/**
 * Octets by which messages may lengthen one reply. curl 7.88 gives up on a reply of some 109 KiB (measured). What does
 * not fit waits for the next reply.
 */
export const MAX_JOINED_OCTETS = 96 * 1024;

/** The space before a line in between, and its CR LF. */
const LINE_OVERHEAD = 3;

/**
 * lftp 4.9 decides from the last line of an error whether to try again, for ever: with these words a message would
 * send it into a loop of DELE or RETR (measured), or make a failed LIST an empty directory.
 */
const READ_BY_LFTP = /Broken pipe|Too many|timed out|closed by the remote host|No files found/;

/**
 * The reply with the messages as its last lines, in order, as mod_msg writes them: `200-NOOP command successful`,
 * ` first`, `200 second`. The closing line of a FEAT or STAT becomes a line in between.
 */
export function joinMessages(reply: Reply, texts: readonly string[], charset: Charset = 'utf8'): Reply {
  const added = texts.flatMap((text) => messageLines(text, charset));
  if (!lastLineStays(reply, added)) return {...reply, lines: [...reply.lines, ...added]};
  return {...reply, lines: [...reply.lines.slice(0, -1), ...added, ...reply.lines.slice(-1)]};
}

/** How many of these messages, oldest first, join one reply: at least one, whatever its size. */
export function countThatFit(texts: readonly string[]): number {
  let octets = 0;
  const over = texts.findIndex((text) => {
    for (const line of messageLines(text)) octets += Buffer.byteLength(line) + LINE_OVERHEAD;
    return octets > MAX_JOINED_OCTETS;
  });
  return over === -1 ? texts.length : Math.max(1, over);
}

function lastLineStays(reply: Reply, added: readonly string[]): boolean {
  const isError = reply.code >= 400;
  return reply.closing === true || (isError && added.slice(-1).some((line) => READ_BY_LFTP.test(line)));
}
