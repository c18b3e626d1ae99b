import type {LoggedMessage, MessageLogSummary} from './messageLog.ts';
import type {Sent} from './senders.ts';

export interface Findings {
  readonly waits: number;
  /** Waits that ended with 0 although somebody had not seen the message. */
  readonly falseSuccess: readonly Sent[];
  /** Waits that ended with 4 although everybody had. */
  readonly falseFailure: number;
  readonly undecided: number;
  readonly deliveries: number;
  /** Deliveries whose fate stands in the log. */
  readonly told: number;
  /** Deliveries of which the log says that nobody knows: by number, or by the end of a server or a session process. */
  readonly counted: number;
  readonly covered: number;
  /** Deliveries of which the log says nothing. */
  readonly lost: number;
  readonly lostIn: readonly string[];
  /** Messages called sent of which the log says nothing at all. */
  readonly unlogged: number;
}

/** Compare what was claimed with what the clients have read. */
export function judge(
  sent: readonly Sent[],
  seen: ReadonlyMap<number, ReadonlySet<number>>,
  {log, killed}: {readonly log: MessageLogSummary; readonly killed: ReadonlySet<number>},
): Findings {
  const waited = sent.filter(({status}) => status !== null);
  const seenBy = ({number}: Sent) => seen.get(number)?.size ?? 0;
  const lostIn: string[] = [];
  let [deliveries, told, counted, covered, lost] = [0, 0, 0, 0, 0];
  for (const [id, message] of log.messages) {
    deliveries += message.recipients;
    const fates = new Set([...message.shown, ...message.undelivered, ...message.interrupted]).size;
    const missing = Math.max(message.recipients - fates, 0);
    const known = Math.min(message.unknown, missing);
    const left = missing - known;
    told += fates;
    counted += known;
    if (left === 0) continue;
    if (isCovered(message, log, killed)) covered += left;
    else {
      lost += left;
      lostIn.push(id);
    }
  }
  return {
    waits: waited.length,
    falseSuccess: waited.filter((each) => each.status === 0 && seenBy(each) < each.recipients),
    falseFailure: waited.filter((each) => each.status === 4 && seenBy(each) >= each.recipients).length,
    undecided: waited.filter(({status}) => status !== 0 && status !== 4).length,
    deliveries,
    told,
    counted,
    covered,
    lost,
    lostIn,
    unlogged: sent.filter(({id}) => !log.messages.has(id)).length,
  };
}

/** A later line says that its server was killed, or that a session process has taken along what it held. */
function isCovered(
  {pid, line}: LoggedMessage,
  {killedAt, lostAt}: MessageLogSummary,
  killed: ReadonlySet<number>,
): boolean {
  return (killed.has(pid) && killedAt.some((at) => at > line)) || lostAt.some((at) => at > line);
}
