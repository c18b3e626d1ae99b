import {aclItems} from '../config/values/items.ts';

/** The names of an ACL list, as written. */
export interface NameList {
  /** `*` stands among them: then the other names do not matter, wherever it stands (measured). */
  readonly everybody: boolean;
  /** Without `*`, each as it is: no patterns, no `!`, no numeric ids. */
  readonly names: readonly string[];
}

/** `a,b`, `"a b"`, `*`. Nothing at all is a list, too: `""` names nobody. */
export function parseNames(list: string): NameList {
  const items = aclItems(list).filter((item) => item !== '');
  return {everybody: items.includes('*'), names: items.filter((item) => item !== '*')};
}
