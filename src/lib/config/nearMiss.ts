/** More slips than this and two names are simply two names; of a short word, fewer. */
const MAX_SLIPS = 2;
const SHORT = 3;

/**
 * The known name a word was probably meant to be, or `undefined`. Case does not count. At least half of it must be right,
 * and its beginning, which slips seldom spoil: `dump` is no `up`, and `man` no `ban`.
 */
export function nearMiss(word: string, known: Iterable<string>): string | undefined {
  let best: {name: string; slips: number} | undefined;
  for (const name of known) {
    const slips = slipsBetween(bare(word), bare(name));
    if (slips !== undefined && slips < (best?.slips ?? Number.POSITIVE_INFINITY)) best = {name, slips};
  }
  return best?.name;
}

/** Without case and the dashes of an option, in which nobody slips. */
function bare(word: string): string {
  return word.toLowerCase().replace(/^-+/, '');
}

/** `undefined` where they are too many for one word to be meant by the other. */
function slipsBetween(a: string, b: string): number | undefined {
  const most = Math.min(MAX_SLIPS, Math.floor(Math.min(a.length, b.length) / 2));
  const slips = distance(a, b);
  const isNear = slips <= most && (beginsLike(a, b) || (slips === 1 && a.length > SHORT));
  return isNear ? slips : undefined;
}

/** The first letters are the same, or have changed places. */
function beginsLike(a: string, b: string): boolean {
  return a[0] === b[0] || (a[0] === b[1] && a[1] === b[0]);
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
