import {didYouMean} from '../completion/suggest.ts';
import {UsageError} from '../options/usageError.ts';

/** What the words after `msg` may begin with. */
export const AUDIENCES = ['user', 'host', 'class', 'session', 'all'] as const;
/** Those of them that the prompt offers, each with a name. */
export const NAMED_AUDIENCES = ['user', 'host', 'class'] as const;
export type AudienceKind = (typeof AUDIENCES)[number];

/** The words after `msg`, as far as they go. */
export interface Draft {
  readonly kind?: AudienceKind | undefined;
  /** Whom of that kind; nobody for `all`. */
  readonly name?: string | undefined;
  /** The words of the message. */
  readonly words: readonly string[];
}

const USAGE = 'ftpdctl msg user|host|class|session NAME MESSAGE..., or ftpdctl msg all MESSAGE...';

/**
 * Take the words after `msg` apart: who is meant, and what is said.
 * @throws UsageError for an audience that there is not.
 */
export function draftOf([kind, ...rest]: readonly string[]): Draft {
  if (kind === undefined) return {words: []};
  if (!isAudience(kind)) {
    // `--wait 30`, where the value of an option that needs none would have to stand in the same word.
    const otherwise = /^\d+$/.test(kind) ? `seconds to wait stand in one word: --wait=${kind}` : USAGE;
    throw new UsageError(`msg: unknown audience "${kind}"`, didYouMean(kind, AUDIENCES, otherwise));
  }
  if (kind === 'all') return {kind, words: rest};
  const [name, ...words] = rest;
  return name ? {kind, name, words} : {kind, words};
}

function isAudience(word: string): word is AudienceKind {
  return AUDIENCES.some((audience) => audience === word);
}

/** The audience as the protocol has it: `all`, or a kind and a name. @throws UsageError when it is not complete. */
export function audienceOf({kind, name}: Draft): string[] {
  if (kind === undefined) throw new UsageError('msg: missing required parameters', USAGE);
  if (kind === 'all') return [kind];
  if (name === undefined) throw new UsageError(`msg ${kind}: missing required ${kind} name`, USAGE);
  return [kind, name];
}

/** Whether it is said who is meant. */
export function hasAudience({kind, name}: Draft): boolean {
  return kind === 'all' || (kind !== undefined && name !== undefined);
}

/** Whether nothing is said. */
export function hasNoText({words}: Pick<Draft, 'words'>): boolean {
  return words.every((word) => word === '');
}

/** The message. @throws UsageError when there is none. */
export function messageOf(draft: Draft): string {
  if (hasNoText(draft)) throw new UsageError(`msg ${draft.kind}: missing required message`, USAGE);
  return draft.words.join(' ');
}
