import {isDumb} from '../output/statusLine.ts';
import type {Questions} from './questions.ts';

/** The questions that suit the terminal. */
export async function openQuestions(): Promise<Questions> {
  if (isDumb()) return (await import('./plainQuestions.ts')).plainQuestions();
  return (await import('./terminalQuestions.ts')).terminalQuestions();
}
