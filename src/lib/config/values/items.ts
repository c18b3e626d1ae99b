/** The items of a `From`: commas and white space both separate; a comma with nothing before it makes an empty item. */
export function listItems(word: string): string[] {
  return splitItems(word, /^()([^ \t\n\v\f\r,]*)[ \t\n\v\f\r,]?/);
}

/**
 * Splits one word of a `…ACLs` directive into its items: commas and white space both separate. A comma with
 * nothing before it makes an empty item, white space alone does not (measured on 1.3.8: `"a, b"` is two
 * actions, `"a ,b"` and `a,,b` name an action `''`, which is refused).
 *
 * Quotes count here once more (measured on 1.3.8, where `"\"u1\",u2"` lets u1 in, too): an item that begins with `"`
 * may contain white space, and ends at the next `"` or comma; only in it a backslash makes the next character literal.
 */
export function aclItems(word: string): string[] {
  return splitItems(word, /^(?:"((?:\\.|[^",\\])*)\\?[",]?|([^ \t\n\v\f\r,]*)[ \t\n\v\f\r,]?)/s);
}

/** @param item matches one item and the separator after it: quoted in its first group, or bare in its second */
function splitItems(word: string, item: RegExp): string[] {
  const items: string[] = [];
  let rest = word.replace(LEADING_SPACE, '');
  while (rest !== '') {
    const [whole, quoted, bare] = item.exec(rest) as unknown as [string, string?, string?];
    items.push(bare ?? quoted!.replace(/\\(.)/gs, '$1'));
    rest = rest.slice(whole.length).replace(LEADING_SPACE, '');
  }
  return items;
}

const LEADING_SPACE = /^[ \t\n\v\f\r]+/;
