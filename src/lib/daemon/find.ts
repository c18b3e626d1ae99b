import {type ProftpdDaemon, ProftpdError} from '../proftpd/daemon.ts';
import {chooseDaemon} from '../proftpd/find/choose.ts';
import {findDaemons} from '../proftpd/find/find.ts';

/** Which of several ProFTPDs is meant. */
export interface Meant {
  /** Its controls socket; without it the only ProFTPD there is. */
  readonly socket?: string | undefined;
  /** Its configuration file, where that is not at a distribution's place. */
  readonly configuration?: string | undefined;
}

/** The ProFTPD of this machine that is meant, or why there is none, or not one. */
export async function findProftpd({socket, configuration}: Meant): Promise<ProftpdDaemon | ProftpdError> {
  const found = await findDaemons(configuration === undefined ? {} : {configuration});
  try {
    return chooseDaemon(found, socket);
  } catch (error) {
    if (error instanceof ProftpdError) return error;
    throw error;
  }
}
