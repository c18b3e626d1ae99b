import type {ClientEvent, ControlsClient} from '../../client/client.ts';
import {audienceOf, type Draft, hasNoText} from '../message/draft.ts';
import type {GlobalOptions} from '../options/baseCommand.ts';
import {askAudience} from './audienceQuestion.ts';
import {callWith} from './call.ts';
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
    makeClient,
  }: {
    readonly options: GlobalOptions;
    /** Whether the message comes from elsewhere. */
    readonly hasText: boolean;
    readonly makeClient: (onEvent: (event: ClientEvent) => void, signal: AbortSignal) => ControlsClient;
  },
): Promise<Draft> {
  const questions = await openQuestions();
  try {
    const recent = new Recent(process.env);
    const call = callWith(options, questions.signal, makeClient);
    const server = await call((client) => client.meet());
    const isServe = server.serve !== undefined;
    const audience = await askAudience(draft, {questions, call, recent, isServe});
    if (audience.name !== undefined) recent.add(audience.kind!, audience.name);
    if (hasText || !hasNoText(draft)) return {...audience, words: draft.words};
    return {...audience, words: [await askText(questions, server, audienceOf({...audience, words: []}))]};
  } finally {
    questions.close();
  }
}
