import type {ConfigWarning} from '../config/errors.ts';
import type {Settings} from '../config/settings.ts';
import type {NameService} from './names.ts';

/** What chown(2) takes for "as it is". */
const UNCHANGED = -1;

/** Whom the socket's file is given to, and what is wrong with the names. */
export interface SocketOwner {
  /** `null`: whoever starts the server. */
  readonly owner: {readonly uid: number; readonly gid: number} | null;
  readonly warnings: readonly ConfigWarning[];
}

/**
 * `ControlsSocketOwner`. A name there is not is warned of, and leaves the user or the group as it is, as in ProFTPD:
 * 1.3.8 and 1.3.10 start with it (measured).
 */
export function resolveSocketOwner(
  {value, at}: Settings['controls']['owner'],
  names: NameService,
): SocketOwner {
  if (value === null || at === null) return {owner: null, warnings: []};
  const {user, group} = value;
  const [uid, gid] = [names.uid(user), names.gid(group)];
  const unknown = [
    ...(uid === undefined ? [`user: ${user}`] : []),
    ...(gid === undefined ? [`group: ${group}`] : []),
  ];
  return {
    owner: {uid: uid ?? UNCHANGED, gid: gid ?? UNCHANGED},
    warnings: unknown.map((what) => ({at, message: `ControlsSocketOwner: no such ${what}, left as it is`})),
  };
}
