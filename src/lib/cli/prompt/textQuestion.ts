import type {TextRules} from '../../daemon/daemon.ts';
import {printable} from '../output/printable.ts';
import type {Questions} from './questions.ts';

/** Ask for the text of a message that the server takes. For a ProFTPD it is written in ASCII, and shown so. */
export async function askText(
  questions: Questions,
  rules: TextRules,
  audience: readonly string[],
): Promise<string> {
  const adapt = rules.utf8 ? (text: string) => text : (await import('any-ascii')).default;
  const typed = await questions.text({
    message: 'Message:',
    severalLines: rules.severalLines,
    room: (text) => rules.room({audience, text: adapt(text)}),
    refusal: (text) => rules.refusal({audience, text: adapt(text)}),
  });
  const text = adapt(typed);
  if (text !== typed) process.stdout.write(`In ASCII, which alone this server takes: ${printable(text)}\n`);
  return text;
}
