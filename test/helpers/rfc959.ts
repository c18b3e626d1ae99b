/** A reply as RFC 959 §4.2 defines it, read by nothing but the RFC. */
export interface ParsedReply {
  readonly code: string;
  /** Without codes, line ends, and the one space that ProFTPD puts before the lines in between. */
  readonly lines: readonly string[];
}

/**
 * Every reply in the text. Strict: each line ends with CR LF and holds neither of them, codes are three digits,
 * a multi-line reply ends at the first line that begins with its code and a space, and nothing is left over.
 */
export function parseReplies(wire: string): ParsedReply[] {
  const replies: ParsedReply[] = [];
  const lines = wire.split('\r\n');
  if (lines.pop() !== '') throw new Error('the last line does not end with CR LF');
  if (lines.some((line) => /[\r\n]/.test(line))) throw new Error('a CR or LF stands alone');
  while (lines.length > 0) {
    const [, code, mark, text] = /^([1-5]\d\d)([ -])(.*)$/s.exec(lines[0]!) ?? [];
    if (code === undefined) throw new Error(`no reply begins with ${JSON.stringify(lines[0])}`);
    const last = mark === ' ' ? 0 : lines.findIndex((line) => line.startsWith(`${code} `));
    if (last === -1) throw new Error(`the ${code} never ends`);
    const taken = lines.splice(0, last + 1);
    const rest = taken
      .slice(1)
      .map((line, index) => (index === taken.length - 2 ? line.slice(4) : line.slice(1)));
    replies.push({code, lines: [text!, ...rest]});
  }
  return replies;
}

/** How BSD ftp, tnftp and inetutils find the end of a reply: the first three characters' digits, and a dash. */
export function endsLikeBsd(wire: string): number {
  const code = (line: string): string => line.slice(0, 3).replace(/\D/g, '');
  const [first, ...rest] = wire.split('\n');
  if (first![3] !== '-') return 1;
  return 2 + rest.findIndex((line) => code(line) === first!.slice(0, 3) && line[3] !== '-');
}

/** How curl and wget do: the first line with three digits and a space, whatever the digits. */
export function endsLikeCurl(wire: string): number {
  return 1 + wire.split('\n').findIndex((line) => /^\d{3} /.test(line));
}
