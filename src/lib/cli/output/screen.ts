import {setTimeout as sleep} from 'node:timers/promises';
import {onExit} from '../../transport/processes/exitCleanup.ts';

/** xterm's "alternate screen", which every terminal emulator has: what stood before comes back when it is left. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** Where a terminal does not say its size. */
const ROWS = 24;
const COLUMNS = 80;

/**
 * Draw a text again and again in the same place, until the signal is aborted; then the screen is as it was.
 * @param frame the text as it is now, its lines as wide as they like
 * @param interval milliseconds between two frames
 */
export async function watch(
  frame: () => Promise<string>,
  interval: number,
  signal: AbortSignal,
  screen: Pick<NodeJS.WriteStream, 'write' | 'rows' | 'columns'> = process.stdout,
): Promise<void> {
  const leave = () => void screen.write(LEAVE);
  // The first frame may fail: then there is nothing to leave.
  let text = await frame();
  screen.write(ENTER);
  const callOff = onExit(leave);
  try {
    while (!signal.aborted) {
      screen.write(drawn(text, screen.rows || ROWS, screen.columns || COLUMNS));
      await sleep(interval, undefined, {signal}).catch(() => {});
      if (!signal.aborted) text = await frame();
    }
  } finally {
    callOff();
    leave();
  }
}

/** As much as the screen holds: the last line says how many more there are. */
function drawn(text: string, rows: number, columns: number): string {
  const lines = text.split('\n');
  const shown =
    lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `(${lines.length - rows + 1} more)`];
  return HOME + shown.map((line) => line.slice(0, columns) + CLEAR_LINE).join('\r\n') + CLEAR_BELOW;
}
