/**
 * Splits one word of a `…ACLs` directive into its items: commas and white space both separate. A comma with
 * nothing before it makes an empty item, white space alone does not (measured on 1.3.8: `"a, b"` is two
 * actions, `"a ,b"` and `a,,b` name an action `''`, which is refused).
 */
export function listItems(word: string): string[] {
  const items: string[] = [];
  let rest = word.replace(LEADING_SPACE, '');
  while (rest !== '') {
    const [item] = /^[^ \t\n\v\f\r,]*/.exec(rest) as RegExpExecArray;
    items.push(item);
    rest = rest.slice(item.length + 1).replace(LEADING_SPACE, '');
  }
  return items;
}

const LEADING_SPACE = /^[ \t\n\v\f\r]+/;
