import {audienceOf, type Draft, hasNoText} from '../message/draft.ts';
import {askWith} from '../options/ask.ts';
import type {GlobalOptions} from '../options/globalFlags.ts';
import {askAudience} from './audienceQuestion.ts';
import {Recent} from './recent.ts';
import {openQuestions} from './terminal.ts';
import {askText} from './textQuestion.ts';

/**
 * Ask for the words of `msg` that are missing.
 * @throws PromptAborted when the person leaves
 */
export async function askMissingWords(
  draft: Draft,
  {
    options,
    hasText,
  }: {
    readonly options: GlobalOptions;
    /** Whether the message comes from elsewhere. */
    readonly hasText: boolean;
  },
): Promise<Draft> {
  const questions = await openQuestions();
  try {
    const recent = new Recent(process.env);
    const ask = askWith(options, questions.signal);
    const audience = await askAudience(draft, {questions, ask, recent});
    if (audience.name !== undefined) recent.add(audience.kind!, audience.name);
    if (hasText || !hasNoText(draft)) return {...audience, words: draft.words};
    return {
      ...audience,
      words: [
        await askText(
          questions,
          await ask((daemon) => daemon.textRules()),
          audienceOf({...audience, words: []}),
        ),
      ],
    };
  } finally {
    questions.close();
  }
}
