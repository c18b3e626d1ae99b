/** More slips than this and two names are simply two names; of a short word, more than one. */
const MAX_SLIPS = 2;
const SHORT = 3;

/** The known name a word was probably meant to be, or `undefined`. Case does not count. */
export function nearMiss(word: string, known: Iterable<string>): string | undefined {
  let best: {name: string; slips: number} | undefined;
  const most = word.length <= SHORT ? 1 : MAX_SLIPS;
  for (const name of known) {
    const slips = distance(word.toLowerCase(), name.toLowerCase());
    if (slips <= most && slips < (best?.slips ?? Number.POSITIVE_INFINITY)) best = {name, slips};
  }
  return best?.name;
}

/** Damerau's distance (optimal string alignment): letters put in, left out, exchanged, or two that changed places. */
function distance(a: string, b: string): number {
  let row = Array.from({length: b.length + 1}, (_, column) => column);
  let before = row;
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : exchanged;
      next.push(Math.min(exchanged, swapped, row[j]! + 1, next[j - 1]! + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
