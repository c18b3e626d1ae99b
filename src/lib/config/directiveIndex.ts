import type {CheckedDirective, DirectiveName} from './directives.ts';
import type {Section} from './syntax/sections.ts';
import {
  ACL_SCOPES,
  type AclDirective,
  type AclRule,
  type AclValue,
  type ActionAclValue,
} from './values/aclRule.ts';

/** The directives that were found, by name and by the section they stand in. */
export class DirectiveIndex {
  readonly #checked: readonly CheckedDirective[];

  constructor(checked: readonly CheckedDirective[]) {
    this.#checked = checked;
  }

  all<N extends DirectiveName>(name: N, section?: Section): CheckedDirective<N>[] {
    return this.#checked.filter(
      (each): each is CheckedDirective<N> => each.name === name && (section ?? each.section) === each.section,
    );
  }

  /** For what ProFTPD keeps the first of: it looks its configuration up from the top (measured). */
  first<N extends DirectiveName>(name: N, section?: Section): CheckedDirective<N> | undefined {
    return this.all(name, section)[0];
  }

  firstGlobal<N extends DirectiveName>(name: N): CheckedDirective<N> | undefined {
    return this.all(name).find(({section}) => section.kind === 'Global');
  }

  /** For what ProFTPD sets as it reads. */
  last<N extends DirectiveName>(name: N, section?: Section): CheckedDirective<N> | undefined {
    return this.all(name, section).at(-1);
  }

  /** Every directive that decides who may do something, in file order. */
  acls(): AclRule[] {
    return this.#checked.flatMap(({name, value, at, text, surplus}): AclRule[] => {
      const origin = {at, text, surplus};
      if (name === 'ControlsSocketACL') {
        return [{...(value as AclValue), actions: [], directive: name, ...origin}];
      }
      if (isAclDirective(name)) return [{...(value as ActionAclValue), directive: name, ...origin}];
      return [];
    });
  }
}

/** Whether a directive sets the ACLs of actions. */
export function isAclDirective(name: DirectiveName): name is AclDirective {
  return name in ACL_SCOPES;
}
