import {countOf} from '../../text/count.ts';
import type {SendTools} from '../message/send.ts';
import type {GlobalOptions} from '../options/globalFlags.ts';
import {unsupported} from '../options/usageError.ts';
import {printLine} from '../output/output.ts';

/**
 * End sessions, and report how many have ended.
 * @param words those after `kick`
 * @throws FtpdctlError where what answers cannot end one session
 */
export async function kickSessions(
  words: readonly string[],
  {json, quiet}: GlobalOptions,
  {ask, report}: SendTools,
): Promise<void> {
  const result = await ask((daemon) => daemon.kick(words));
  if (result.kind === 'unsupported') throw unsupported(result);
  const {answer, ended, meant} = result;
  const counts = ended === undefined || meant === undefined ? undefined : {ended, meant};
  report({action: 'kick', args: words}, answer, counts === undefined ? {} : {fields: counts});
  if (counts && answer.via !== 'direct' && !json && !quiet) {
    printLine(`ended ${counts.ended} of ${countOf(counts.meant, 'session')}`);
  }
}
