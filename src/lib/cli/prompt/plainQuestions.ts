import {createInterface} from 'node:readline/promises';
import {printable} from '../output/output.ts';
import {
  ABORT_SIGNALS,
  type AbortReason,
  type Choice,
  type MessageQuestion,
  PromptAborted,
  type Questions,
  type SearchOptions,
} from './questions.ts';

/** The same questions line by line, for terminals that can only add lines: nothing is drawn anew. */
export function plainQuestions(output: NodeJS.WritableStream): Questions {
  const aborted = new AbortController();
  const {signal} = aborted;
  const onSignal = (name: NodeJS.Signals): void => aborted.abort(new PromptAborted(name as AbortReason));
  for (const name of ABORT_SIGNALS) process.on(name, onSignal);
  const lines = createInterface({input: process.stdin, output, terminal: false});
  lines.once('close', () => aborted.abort(new PromptAborted('end')));

  async function ask(question: string): Promise<string> {
    signal.throwIfAborted();
    try {
      return await lines.question(`${printable(question)} `, {signal});
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  /** Ask again until the answer makes sense. */
  async function insist<T>(question: string, read: (answer: string) => T | undefined, complaint: string) {
    for (;;) {
      const value = read((await ask(question)).trim());
      if (value !== undefined) return value;
      say(complaint);
    }
  }

  async function pick<T>(message: string, choices: readonly Choice<T>[]): Promise<T> {
    list(choices);
    const read = (answer: string) => chosen(choices, answer);
    return (await insist(`${message} (number or name)`, read, 'that is none of them')).value;
  }

  async function search(
    message: string,
    find: (typed: string) => readonly Choice<string>[],
    {hint = '', initial}: SearchOptions = {},
  ): Promise<string> {
    const known = find('');
    list(known);
    if (hint !== '') say(hint);
    if (initial) say(`Enter alone: ${initial}`);
    const read = (answer: string) =>
      chosen(known, answer) ?? (answer === '' && !initial ? undefined : {value: answer || initial!});
    return (await insist(`${message} (number or name)`, read, 'a name is needed')).value;
  }

  async function text({message, severalLines, room, refusal, initial}: MessageQuestion): Promise<string> {
    for (;;) {
      const how = severalLines ? ', an empty line ends it' : '';
      if (initial) say(`Enter alone: ${initial}`);
      const first = await ask(`${message} (${room('')} bytes${how})`);
      const typed = severalLines ? [first, ...(await moreLines(first))].join('\n') : first;
      const written = typed === '' && initial ? initial : typed;
      const why = written.trim() === '' ? 'write something, or leave with Ctrl-D' : refusal(written);
      if (why === undefined) return written;
      say(why);
    }
  }

  async function moreLines(first: string): Promise<string[]> {
    const more: string[] = [];
    for (let line = first; line !== ''; ) {
      line = await ask('...');
      if (line !== '') more.push(line);
    }
    return more;
  }

  const answers = {y: true, yes: true, n: false, no: false} as const;
  return {
    signal,
    pick,
    search,
    text,
    confirm: (message, byDefault) =>
      insist(
        `${message} (${byDefault ? 'Y/n' : 'y/N'})`,
        (answer) => (answer === '' ? byDefault : answers[answer.toLowerCase() as keyof typeof answers]),
        'y or n?',
      ),
    close() {
      for (const name of ABORT_SIGNALS) process.off(name, onSignal);
      lines.close();
    },
  };
}

function say(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

function list(choices: readonly Choice<unknown>[]): void {
  for (const [index, {name}] of choices.entries()) say(`${index + 1}) ${name}`);
}

/** By number, or by name. */
function chosen<T>(choices: readonly Choice<T>[], answer: string): Choice<T> | undefined {
  return (
    choices.find(({name, value}) => name === answer || value === answer) ??
    (/^\d+$/.test(answer) ? choices[Number(answer) - 1] : undefined)
  );
}
