/** Where a message may go for one FTP command. */
export interface JoinRule {
  /** Upper case; `STAT path` is STAT with an argument, whose reply is another one. */
  readonly command: string;
  /** May a message join the final reply of this command? */
  readonly joins: boolean;
  /** The section that defines the reply. */
  readonly rfc: string;
  readonly why: string;
}

const joins = (command: string, rfc: string, why: string): JoinRule => ({command, joins: true, rfc, why});
const never = (command: string, rfc: string, why: string): JoinRule => ({command, joins: false, rfc, why});

const CODE_ONLY = 'clients act on the code alone; the text is for the person at the terminal';
const NEGOTIATION =
  'asked and answered between programs; nobody reads it, so a message would be wasted on it';
const PATH = 'clients take the path between the quotes: ftplib pwd() and mkd(), wget, curl, lftp, basic-ftp';
const PORT_OF_DATA = 'clients take address and port from the text, some from its last line';
const PREPARES =
  'clients send it on their own behalf and hide its reply (tnftp, ftplib, basic-ftp); what the user asked for follows at once';
const CHECKSUM = 'the text is a value for a program';

/** Every command of RFC 5797's registry that clients are known to send, and the historic X commands. */
export const JOIN_RULES: readonly JoinRule[] = [
  joins('ABOR', 'RFC 959 §4.1.3', CODE_ONLY),
  joins('ACCT', 'RFC 959 §4.1.1', CODE_ONLY),
  joins('APPE', 'RFC 959 §4.1.3', 'the 226 after the transfer; the 150 before it is preliminary'),
  joins('CDUP', 'RFC 959 §4.1.1', CODE_ONLY),
  joins(
    'CWD',
    'RFC 959 §4.1.1',
    'servers show notices of a directory in this 250; clients act on the code alone',
  ),
  joins('DELE', 'RFC 959 §4.1.3', CODE_ONLY),
  joins('HELP', 'RFC 959 §4.1.3', 'help is for people'),
  joins(
    'LIST',
    'RFC 959 §4.1.3',
    'the listing is on the data connection, the 226 says only that it is whole',
  ),
  joins(
    'MLSD',
    'RFC 3659 §7.2',
    'the facts are on the data connection, the 226 says only that they are whole',
  ),
  joins(
    'NLST',
    'RFC 959 §4.1.3',
    'the names are on the data connection, the 226 says only that they are whole',
  ),
  joins('NOOP', 'RFC 959 §4.1.3', CODE_ONLY),
  joins('PASS', 'RFC 959 §4.1.1', 'the 230 is where servers greet; clients act on the code alone'),
  joins('QUIT', 'RFC 959 §4.1.1', 'the last chance: what does not join the 221 is not seen at all'),
  joins('REIN', 'RFC 959 §4.1.1', 'the last reply that the one who leaves will see'),
  joins('RETR', 'RFC 959 §4.1.3', 'the 226 after the transfer; the 150 with its size is preliminary'),
  joins('RMD', 'RFC 959 §4.1.3', CODE_ONLY),
  joins('RNFR', 'RFC 959 §4.1.3', 'only its errors: the 350 is intermediate'),
  joins('RNTO', 'RFC 959 §4.1.3', CODE_ONLY),
  joins('SITE', 'RFC 959 §4.1.3', CODE_ONLY),
  joins('SMNT', 'RFC 959 §4.1.1', CODE_ONLY),
  joins('STAT', 'RFC 959 §4.1.3', 'the state of the session, for people'),
  joins('STOR', 'RFC 959 §4.1.3', 'the 226 after the transfer; the 150 before it is preliminary'),
  joins('USER', 'RFC 959 §4.1.1', 'only its errors: the 331 is intermediate, and challenges stand in it'),
  joins('XCUP', 'RFC 775', CODE_ONLY),
  joins('XCWD', 'RFC 775', CODE_ONLY),
  joins('XRMD', 'RFC 775', CODE_ONLY),

  never('ADAT', 'RFC 2228 §3', NEGOTIATION),
  never('ALLO', 'RFC 959 §4.1.3', PREPARES),
  never('AUTH', 'RFC 2228 §3', NEGOTIATION),
  never('AVBL', 'draft-peterson-streamlined-ftp-command-extensions', CHECKSUM),
  never('CCC', 'RFC 2228 §3', NEGOTIATION),
  never('CLNT', 'no RFC; RFC 5797 registers none', NEGOTIATION),
  never('CONF', 'RFC 2228 §3', NEGOTIATION),
  never('CPSV', 'no RFC; PASV of secured server-to-server transfers', PORT_OF_DATA),
  never('CSID', 'draft-peterson-streamlined-ftp-command-extensions', 'name=value pairs for programs'),
  never('ENC', 'RFC 2228 §3', NEGOTIATION),
  never(
    'EPRT',
    'RFC 2428 §2',
    'a 522 lists the protocols for the program; the transfer that follows takes it',
  ),
  never('EPSV', 'RFC 2428 §3', PORT_OF_DATA),
  never('FEAT', 'RFC 2389 §3', 'each line names a feature: lftp, basic-ftp, curl and tnftp read them all'),
  never('HASH', 'draft-ietf-ftpext2-hash', CHECKSUM),
  never('HOST', 'RFC 7151 §3', NEGOTIATION),
  never('LANG', 'RFC 2640 §4', NEGOTIATION),
  never('LPRT', 'RFC 1639 §2', NEGOTIATION),
  never('LPSV', 'RFC 1639 §3', PORT_OF_DATA),
  never('MDTM', 'RFC 3659 §3', 'the 213 is a time: a joined one breaks Node ftp and loses curl -z its date'),
  never('MFCT', 'draft-somers-ftp-mfxx', 'the 213 repeats the facts for the program'),
  never('MFF', 'draft-somers-ftp-mfxx', 'the 213 repeats the facts for the program'),
  never('MFMT', 'draft-somers-ftp-mfxx', 'the 213 repeats the facts for the program'),
  never('MIC', 'RFC 2228 §3', NEGOTIATION),
  never('MKD', 'RFC 959 Appendix II', PATH),
  never('MLST', 'RFC 3659 §7.2', 'the facts of the file stand in the reply itself'),
  never('MODE', 'RFC 959 §4.1.2', PREPARES),
  never('OPTS', 'RFC 2389 §4', 'RFC 3659 §7.9 has programs read the facts from the 200 of OPTS MLST'),
  never('PASV', 'RFC 959 §4.1.2, RFC 1123 §4.1.2.6', PORT_OF_DATA),
  never('PBSZ', 'RFC 2228 §3', NEGOTIATION),
  never('PORT', 'RFC 959 §4.1.2', PREPARES),
  never('PRET', 'no RFC; distributed servers', NEGOTIATION),
  never('PROT', 'RFC 2228 §3', NEGOTIATION),
  never('PWD', 'RFC 959 Appendix II', PATH),
  never('RANG', 'draft-bryan-ftp-range', 'its 350 is intermediate, its errors decide how a program goes on'),
  never('REST', 'RFC 3659 §5', 'its 350 is intermediate, its errors decide how a program goes on'),
  never(
    'SIZE',
    'RFC 3659 §4',
    'the 213 is a number: a joined one breaks ftplib size(), Net::FTP and curl -C',
  ),
  never('SPSV', 'draft-rosenau-ftp-single-port', PORT_OF_DATA),
  never('STAT path', 'RFC 959 §4.1.3', 'a listing: lftp (ftp:use-stat-for-list) and FXP clients parse it'),
  never('STOU', 'RFC 1123 §4.1.2.9', 'the name of the new file is in the 150, with some servers in the 226'),
  never('STRU', 'RFC 959 §4.1.2', PREPARES),
  never(
    'SYST',
    'RFC 959 §4.1.3',
    'wget, curl, tnftp and lftp choose the listing parser by the last line of the 215',
  ),
  never('TYPE', 'RFC 959 §4.1.2', PREPARES),
  never('XCRC', 'no RFC', CHECKSUM),
  never('XMD5', 'no RFC', CHECKSUM),
  never('XMKD', 'RFC 775', PATH),
  never('XPWD', 'RFC 775', PATH),
  never('XSHA1', 'no RFC', CHECKSUM),
  never('XSHA256', 'no RFC', CHECKSUM),
];

const RULES = new Map(JOIN_RULES.map((rule) => [rule.command, rule]));

/**
 * May a message join this reply? Only a final one (RFC 959 §4.2.1: 2xx, 4xx, 5xx) that only people read.
 *
 * Whatever the command, never a 530: lftp matches all of its text against `ftp:retry-530` ("too many", "try later" …)
 * to decide between giving up and trying again. The error of a command that is not in the table is for people.
 * `verb` is in upper case, empty for a line that holds no command at all.
 */
export function mayJoin(verb: string, argument: string, code: number): boolean {
  const final = [2, 4, 5].includes(Math.trunc(code / 100));
  if (!final || code === 530 || verb === '') return false;
  const variant = argument === '' ? undefined : RULES.get(`${verb} path`);
  return (variant ?? RULES.get(verb))?.joins ?? true;
}
