import {didYouMean} from './suggest.ts';
import {UsageError} from './usageError.ts';

/** What the words after `msg` may begin with. */
export const AUDIENCES = ['user', 'host', 'class', 'all'] as const;

const USAGE = 'ftpdctl msg user|host|class NAME MESSAGE..., or ftpdctl msg all MESSAGE...';

/**
 * Take the words after `msg` apart: who is meant, and what is said.
 * @throws UsageError when the audience, its name or the message is missing.
 */
export function audienceOf(words: readonly string[]): {audience: string[]; words: string[]} {
  const [kind, ...rest] = words;
  if (kind === undefined) throw new UsageError('msg: missing required parameters', USAGE);
  if (!AUDIENCES.some((audience) => audience === kind)) {
    throw new UsageError(`msg: unknown audience "${kind}"`, didYouMean(kind, AUDIENCES, USAGE));
  }
  const named = kind === 'all' ? 0 : 1;
  if (rest.length < named || rest[0] === '') {
    if (named === 1) throw new UsageError(`msg ${kind}: missing required ${kind} name`, USAGE);
  }
  const message = rest.slice(named);
  if (message.every((word) => word === ''))
    throw new UsageError(`msg ${kind}: missing required message`, USAGE);
  return {audience: [kind, ...rest.slice(0, named)], words: message};
}
