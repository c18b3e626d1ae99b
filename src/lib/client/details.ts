import type {
  AclCheckDetails,
  AclListDetails,
  KickDetails,
  MessageDetails,
  ReceiptDetails,
  StatusDetails,
  WhoDetails,
} from '../protocol/details.ts';
import type {ControlResponse} from '../protocol/message.ts';
import {ClientError} from './errors.ts';

/** What `ftpdctl serve` may say under `details`, by the question it answers. */
export interface DetailsOf {
  readonly who: WhoDetails;
  readonly status: StatusDetails;
  readonly kick: KickDetails;
  readonly msg: MessageDetails;
  readonly receipt: ReceiptDetails;
  readonly aclCheck: AclCheckDetails;
  readonly aclList: AclListDetails;
}

/**
 * The details of an answer; `undefined` where there are none.
 * @throws ClientError `ANSWER_INVALID` when they are not what they should be: anybody may listen at a socket
 */
export async function detailsIn<K extends keyof DetailsOf>(
  kind: K,
  {server}: ControlResponse,
): Promise<DetailsOf[K] | undefined> {
  const details: unknown = server?.details;
  if (details === undefined) return undefined;
  const {[kind]: validate} = await import('./detailsValidators.ts');
  const valid: boolean = validate(details);
  if (valid) return details as DetailsOf[K];
  const [fault] = validate.errors ?? [];
  throw new ClientError(
    'ANSWER_INVALID',
    `the server gives details that make no sense: details${fault?.instancePath} ${fault?.message}`,
    {hint: 'the request may have been carried out; is it an "ftpdctl serve" of this version that answers?'},
  );
}
