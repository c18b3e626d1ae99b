import {CONTROLS, escapeControls} from '../text.ts';
import {libc} from './libc.ts';

const LOG_PID = 1;
/** `LOG_DAEMON`, where ProFTPD itself logs by default, and `LOG_NOTICE`. */
const LOG_DAEMON = 3 << 3;
const LOG_NOTICE = 5;

const calls = {
  openlog: libc.func('void openlog(const uint8_t *ident, int options, int facility)'),
  // The format is fixed; the text never is one.
  syslog: libc.func('void syslog(int priority, const char *format, ...)'),
};

/** syslog(3) keeps the pointer to the name: it must live as long as the process. */
const ident = Buffer.from('ftpdctl\0');
let isOpen = false;

/**
 * Write one line to the system's log, with what could drive a terminal or break up the line escaped. It is lost when no
 * log is there, as syslog(3) has it.
 */
export function writeSyslog(line: string): void {
  if (!isOpen) calls.openlog(ident, LOG_PID, LOG_DAEMON);
  isOpen = true;
  calls.syslog(LOG_NOTICE, '%s', 'str', escapeControls(line, CONTROLS.terminal));
}
