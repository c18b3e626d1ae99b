import {quoteWord} from './syntax/lexer.ts';

/** What the embedded configuration is made for. */
export interface DefaultConfigOptions {
  /** Absolute path of a directory that only the calling user may enter. */
  readonly runtimeDirectory: string;
  /** The calling user's name: that user alone may do everything. */
  readonly user: string;
  /** TCP port of the mock FTP server. */
  readonly port?: number;
}

export const DEFAULT_FTP_PORT = 2121;

/**
 * The configuration `ftpdctl serve` and `ftpdctl mock` use when they are given none, as the text of a file to
 * start from: everything on loopback, everything allowed to the calling user, nothing to anybody else.
 */
export function defaultConfig({
  runtimeDirectory,
  user,
  port = DEFAULT_FTP_PORT,
}: DefaultConfigOptions): string {
  const inRuntime = (name: string) => quoteWord(`${runtimeDirectory}/${name}`);
  const me = quoteWord(user);
  return `# ftpdctl's own configuration, used when no file is given. ProFTPD reads it, too.

ServerName "ftpdctl"
DefaultAddress 127.0.0.1
Port ${port}

# Who a message to a class reaches. Loopback has room for more than one.
<Class local>
  From 127.0.0.1 ::1
</Class>
<Class staff>
  From 127.0.1.0/24
</Class>
<Class guests>
  From 127.0.2.0/24
</Class>

<IfModule mod_ctrls.c>
  ControlsEngine on
  ControlsSocket ${inRuntime('ftpdctl.sock')}
  ControlsInterval 1

  # Who may connect at all, then who may do what.
  ControlsSocketACL allow user ${me}
  ControlsACLs all allow user ${me}
</IfModule>

<IfModule mod_ctrls_admin.c>
  AdminControlsACLs all allow user ${me}
</IfModule>

<IfModule mod_msg.c>
  MessageEngine on
  MessageQueue ${inRuntime('msg.queue')}
  MessageControlsACLs all allow user ${me}
</IfModule>
`;
}
