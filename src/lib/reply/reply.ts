import {escapeReplyText} from './text.ts';

/** One FTP reply (RFC 959 §4.2): a code and one or more lines of text, without code, dash or line end. */
export interface Reply {
  /** 100 … 599. */
  readonly code: number;
  readonly lines: readonly string[];
  /**
   * The last line stays last when messages join. The real module does so where a reply is sent directly
   * instead of being collected: the 230 of PASS and the 214 of SITE HELP.
   */
  readonly closing?: boolean;
}

export function reply(code: number, ...lines: readonly string[]): Reply {
  return {code, lines};
}

/**
 * The reply as it goes on the wire, each line ended by CR LF.
 *
 * RFC 959 §4.2: `CODE-first`, then lines that must not look like the last one, then `CODE last`. Lines in between
 * get one leading space, as ProFTPD writes them (RFC 2389 §3.2 and RFC 3659 §7.2 ask for exactly that in FEAT and
 * MLST), so that none can begin with three digits. Control characters that a path may carry are made visible.
 */
export function formatReply({code, lines}: Reply): string {
  const last = lines.length - 1;
  return lines
    .map((line, index) => {
      const prefix = index === last ? `${code} ` : index === 0 ? `${code}-` : ' ';
      return `${prefix}${escapeReplyText(line)}\r\n`;
    })
    .join('');
}
