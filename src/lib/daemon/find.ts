import {notRunning, type ProftpdDaemon, ProftpdError} from '../proftpd/daemon.ts';
import {findCandidates} from '../proftpd/find/candidates.ts';

/** Which of several ProFTPDs is meant. */
export interface Meant {
  /** Its controls socket; without it the only ProFTPD there is. */
  readonly socket?: string | undefined;
  /** Its configuration file, where that is not at a distribution's place. */
  readonly configuration?: string | undefined;
  /** Ask its program for its version, which tells its dialect. */
  readonly version?: boolean;
}

/** The ProFTPD of this machine that is meant, or why there is none, or not one. */
export async function findProftpd({
  socket,
  configuration,
  version = false,
}: Meant): Promise<ProftpdDaemon | ProftpdError> {
  const among = findCandidates();
  if (among.candidates.length === 0 && among.passedOver.length === 0) return notRunning();
  // Loaded where there is something to look at: where no ProFTPD runs a start may take no longer for it.
  const {chooseDaemon, findDaemons} = await import('../proftpd/find/find.ts');
  const found = await findDaemons({version, ...(configuration === undefined ? {} : {configuration})}, among);
  try {
    return chooseDaemon(found, socket);
  } catch (error) {
    if (error instanceof ProftpdError) return error;
    throw error;
  }
}
