import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {SystemVQueue} from '../../src/lib/transport/systemV.ts';
import type {FtpSession} from './ftpSession.ts';
import {type RealProftpd, startProftpd} from './proftpd.ts';
import {spawnTs, type TsProcess} from './spawnTs.ts';

/** What one sender said of one of its messages. */
interface Report {
  readonly text: string;
  readonly outcomes: readonly {readonly pid: number; readonly kind: string}[];
}

export interface ChurnResult {
  /** Messages that sessions took. */
  readonly taken: number;
  /** Taken, and not to be found in any reply of a client that stayed. */
  readonly missing: number;
  /** Found more than once in the replies of one client. */
  readonly doubled: number;
  /** Found in a client's replies though its sender did not say that it was taken. */
  readonly unexpected: number;
  /** Messages on the queue at the end. */
  readonly left: number;
}

/** A whole number from 0 up to, but not, the limit. */
type Random = (limit: number) => number;

const CHILD = join(import.meta.dirname, '../proftpd/delivery/deliveryChild.ts');
const STAYING = 8;

/**
 * Several senders at once, each with messages to every session, while sessions come and go. Clients that stay count what
 * they are told.
 */
export async function churnDeliveries(senders: number, messages: number, seed: number): Promise<ChurnResult> {
  const proftpd = await startProftpd({directives: ['MaxInstances none']});
  try {
    return await churn(proftpd, senders, messages, randomFrom(seed));
  } finally {
    await proftpd.stop();
  }
}

/** Numbers that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

async function churn(
  proftpd: RealProftpd,
  senders: number,
  messages: number,
  random: Random,
): Promise<ChurnResult> {
  const queue = SystemVQueue.open(proftpd.queueKey)!;
  const staying: FtpSession[] = [];
  for (let count = 0; count < STAYING; count += 1) staying.push(await proftpd.session('dave'));
  const children = await Promise.all(
    Array.from({length: senders}, (_, index) =>
      spawnTs(CHILD, [
        ...[proftpd.pid, proftpd.queueKey, join(proftpd.directory, 'scoreboard')].map(String),
        ...[`s${index}`, messages, 10_000].map(String),
      ]),
    ),
  );
  let isOver = false;
  const stop = () => isOver;
  const told = staying.map((client) => collect(client, stop, random));
  const coming = comeAndGo(proftpd, stop, random);
  const reports = (await Promise.all(children.map((child) => listen(child, messages)))).flat();
  isOver = true;
  await coming;
  const heard = await Promise.all(told);
  const left = queue.list()!.length;
  await Promise.all([...children.map((child) => child.kill()), ...staying.map((client) => client.close())]);
  return compare(reports, heard, left);
}

async function listen(child: TsProcess, messages: number): Promise<Report[]> {
  const reports: Report[] = [];
  await child.next();
  while (reports.length < messages) reports.push((await child.next()) as Report);
  return reports;
}

/** Ask now and then; at the end once more, for what was taken last. */
async function collect(client: FtpSession, stop: () => boolean, random: Random): Promise<string[]> {
  const texts: string[] = [];
  while (!stop()) {
    texts.push(...textsIn(await client.command('NOOP')));
    await sleep(random(30));
  }
  return [...texts, ...textsIn(await client.command('NOOP'))];
}

function textsIn(reply: readonly string[]): string[] {
  return reply.flatMap((line) => /(s\d+\.\d+\.)$/.exec(line)?.[1] ?? []);
}

async function comeAndGo(proftpd: RealProftpd, stop: () => boolean, random: Random): Promise<void> {
  while (!stop()) {
    const client = await proftpd.session('alice');
    await sleep(random(20));
    if (random(2) === 0) await client.command('QUIT');
    await client.close();
  }
}

function compare(reports: readonly Report[], heard: readonly string[][], left: number): ChurnResult {
  const all = heard.flat();
  const counts = new Map<string, number>();
  for (const text of all) counts.set(text, (counts.get(text) ?? 0) + 1);
  const doubled = heard.reduce((sum, texts) => sum + texts.length - new Set(texts).size, 0);
  const taken = reports.map(({outcomes}) => outcomes.filter(({kind}) => kind === 'taken').length);
  // Sessions that come and go may take a message and end; those that stay are always among the recipients.
  const missing = reports.reduce(
    (sum, {text}) => sum + Math.max(0, heard.length - (counts.get(text) ?? 0)),
    0,
  );
  const unexpected = reports.filter(({text}, index) => (counts.get(text) ?? 0) > taken[index]!).length;
  return {taken: taken.reduce((sum, count) => sum + count, 0), missing, doubled, unexpected, left};
}
