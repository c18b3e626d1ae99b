/** More slips than this and two names are simply two names. */
const MAX_SLIPS = 2;

/** The known name a word was probably meant to be, or `undefined`. Case does not count. */
export function nearMiss(word: string, known: Iterable<string>): string | undefined {
  let best: {name: string; slips: number} | undefined;
  for (const name of known) {
    const slips = distance(word.toLowerCase(), name.toLowerCase());
    if (slips <= MAX_SLIPS && slips < (best?.slips ?? Number.POSITIVE_INFINITY)) best = {name, slips};
  }
  return best?.name;
}

/** Levenshtein's distance: letters put in, left out or exchanged. */
function distance(a: string, b: string): number {
  let row = Array.from({length: b.length + 1}, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(exchanged, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
