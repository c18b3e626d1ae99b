/** An octet that is no UTF-8, as text: U+DC80 … U+DCFF, which no valid text has. */
const ESCAPED = /[\udc80-\udcff]/u;
const ESCAPED_APART = /([\udc80-\udcff])/u;
const ESCAPED_ALL = /[\udc80-\udcff]/gu;

/** RFC 3629 §4 over latin1: whole characters, and after them whatever octet is none. */
const UTF8_OR_OCTET =
  /[\x00-\x7f]+|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g;

const utf8 = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

/**
 * Names on disk and on the wire are octets, and not always UTF-8. As text they lose nothing here: what is UTF-8 is read as
 * such, and each other octet has a code of its own. Python calls this `surrogateescape` (PEP 383).
 */
export function textOf(octets: Uint8Array): string {
  try {
    return utf8.decode(octets);
  } catch {
    return Buffer.from(octets).toString('latin1').replace(UTF8_OR_OCTET, characterOf);
  }
}

function characterOf(octets: string): string {
  const isOctet = octets.length === 1 && octets >= '\x80';
  return isOctet
    ? String.fromCharCode(0xdc00 + octets.charCodeAt(0))
    : Buffer.from(octets, 'latin1').toString();
}

/** The octets that `textOf` made this of. */
export function octetsOf(text: string): Buffer {
  if (!ESCAPED.test(text)) return Buffer.from(text);
  const parts = text.split(ESCAPED_APART);
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 1 ? Buffer.of(part.charCodeAt(0) & 0xff) : Buffer.from(part))),
  );
}

/** For whoever takes Unicode alone: what is none has the replacement character instead. */
export function readableText(text: string): string {
  return text.replace(ESCAPED_ALL, '\ufffd');
}
