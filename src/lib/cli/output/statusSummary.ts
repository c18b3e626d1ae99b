import type {StatusDetails} from '../../protocol/details.ts';
import {countOf} from '../../text/count.ts';

/** What `ftpdctl serve` says of itself: `up 2 h 5 min, 3 sessions, 1 message waiting, MessageEngine on`. */
export function statusSummary({uptime, sessions, waiting, engine}: StatusDetails): string {
  const messages = `${countOf(waiting, 'message')} waiting`;
  return `up ${duration(uptime)}, ${countOf(sessions, 'session')}, ${messages}, MessageEngine ${engine ? 'on' : 'off'}`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** The two largest units that count. @param seconds a whole number */
function duration(seconds: number): string {
  let left = seconds;
  const parts = UNITS.flatMap(([unit, size]) => {
    const count = Math.floor(left / size);
    left %= size;
    return count === 0 ? [] : [`${count} ${unit}`];
  });
  return parts.slice(0, 2).join(' ') || '0 s';
}
