import {nearMiss} from '../../config/nearMiss.ts';

/** A hint that asks after the nearest known word, or says something else where none is near or the word is known. */
export function didYouMean(word: string, known: Iterable<string>, otherwise: string): string {
  const meant = nearMiss(word, known);
  return meant === undefined || meant === word ? otherwise : `did you mean "${meant}"?`;
}
