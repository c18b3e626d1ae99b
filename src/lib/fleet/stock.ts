import {setTimeout as sleep} from 'node:timers/promises';
import type {ControlAnswer} from '../client/client.ts';
import {isNotExecuted, verdictOf} from '../client/verdict.ts';
import type {ControlsRequester} from '../daemon/controls.ts';
import {type Dialect, STATUS} from '../protocol/message.ts';
import {type OutgoingRequest, requestFor} from '../protocol/plan.ts';
import {HostError} from './errors.ts';
import type {RemoteWord} from './script.ts';

/** Run the stock client with these words. */
export type RunStock = (
  words: readonly RemoteWord[],
  before: string,
) => Promise<{
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly note: string;
}>;

/** What each line of the stock client begins with. */
const PREFIX = 'ftpdctl: ';
/** What mod_msg says where nothing has gone wrong (measured): to any other words 1.3.8's client exits with 0, too. */
const SENT = /^message sent$|^error sending message: Success$/;
/** Milliseconds between two tries, where a poll came in between. */
const RETRY_PAUSE_MS = 100;
const MAX_TRIES = 10;

/** Where a ProFTPD's controls socket may be: the built-in place of a stock client need not be the configured one. */
const SOCKETS = [
  '/run/proftpd.sock',
  '/var/run/proftpd/proftpd.sock',
  '/run/proftpd/proftpd.sock',
  '/var/run/proftpd.sock',
  '/usr/local/var/proftpd/proftpd.sock',
];
/** Where distributions put it, for the shell there. */
export const CONFIGURATIONS =
  '/etc/proftpd/proftpd.conf /etc/proftpd/conf.d/*.conf /etc/proftpd.conf /usr/local/etc/proftpd.conf';

/** The option, where one was found. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
const FOUND_SOCKET = {shell: '${s:+-s "$s"}'};

/** Look for the socket there: the first that is one. */
const FIND_SOCKET = `for f in $(sed -n 's/^[[:space:]]*ControlsSocket[[:space:]]*"\\{0,1\\}\\(\\/[^"[:space:]]*\\).*/\\1/p' ${CONFIGURATIONS} 2>/dev/null) ${SOCKETS.join(' ')}; do
[ -S "$f" ] && { s=$f; break; }
done`;

/**
 * The stock client of another machine's ProFTPD in the place of a connection to its controls socket. It tells the lines of an
 * answer and, from 1.3.9 on, the status: what they mean is for us to say, and what must not be sent, too.
 */
export class StockClient implements ControlsRequester {
  readonly #run: RunStock;
  readonly #dialect: Dialect | undefined;
  readonly #socket: string | undefined;

  /** @param dialect if it is known: what does harm in either is not sent, else. @param socket the one that is meant */
  constructor(run: RunStock, dialect: Dialect | undefined, socket?: string) {
    this.#run = run;
    this.#dialect = dialect;
    this.#socket = socket;
  }

  request(action: string, args: readonly string[] = []): Promise<ControlAnswer> {
    return this.#send({kind: 'action', action, args});
  }

  message(
    audience: readonly string[],
    text: string,
    {options}: {readonly options?: Readonly<Record<string, unknown>>} = {},
  ): Promise<ControlAnswer> {
    return this.#send({kind: 'message', audience, text, options});
  }

  /** A ProFTPD: `ftpdctl serve` comes with our own client. */
  async detectServer(): Promise<{readonly dialect: Dialect}> {
    return {dialect: this.#dialect ?? 'json'};
  }

  /** @throws RequestRefused, HostError */
  async #send(request: OutgoingRequest): Promise<ControlAnswer> {
    const dialects: readonly Dialect[] = this.#dialect ? [this.#dialect] : ['json', 'binary'];
    let words: readonly string[] = [];
    for (const dialect of dialects) {
      const plan = requestFor(request, dialect, {kind: 'proftpd'});
      if (plan.kind === 'refused') throw plan.refusal;
      words = [plan.request.action, ...plan.request.args];
    }
    const socket = this.#socket === undefined ? [FOUND_SOCKET] : ['-s', this.#socket];
    const before = this.#socket === undefined ? FIND_SOCKET : '';
    for (let tries = 1; ; tries += 1) {
      const answer = this.#answerIn(words[0] === 'msg', await this.#run([...socket, ...words], before));
      // The stock client of 1.3.8 exits with 0 whatever the status was.
      if (!isNotExecuted({...answer, status: -1}) || tries === MAX_TRIES) return answer;
      await sleep(RETRY_PAUSE_MS);
    }
  }

  #answerIn(
    isMessage: boolean,
    {status, stdout, stderr, note}: Awaited<ReturnType<RunStock>>,
  ): ControlAnswer {
    const responses = linesOf(stdout);
    if (responses.length === 0) throw clientFailed(linesOf(stderr), status);
    const response = {status: 0 - status, responses};
    const verdict = verdictOf(response);
    const isUnknown = isMessage && verdict === STATUS.OK && !responses.some((line) => SENT.test(line));
    return {
      ...response,
      verdict: isUnknown ? STATUS.GENERIC_ERROR : verdict,
      dialect: this.#dialect ?? 'json',
      socket: this.#socket ?? note,
    };
  }
}

/** The lines that a client has printed, without its name before them. */
export function linesOf(output: string): string[] {
  const lines = output
    .split('\n')
    .map((line) => (line.startsWith(PREFIX) ? line.slice(PREFIX.length) : line));
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

function clientFailed(said: readonly string[], status: number): HostError {
  const words = said.join('; ') || `its client ended with ${status} and said nothing`;
  const isSocket = /error contacting server/.test(words);
  return new HostError('CLIENT_FAILED', words, {
    mayBeDone: !isSocket,
    hint: isSocket
      ? 'is ProFTPD running there, with ControlsEngine on? -s names its ControlsSocket'
      : undefined,
  });
}
