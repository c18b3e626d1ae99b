import ipaddr from 'ipaddr.js';

/** IPv4 or IPv6 without zone, IPv4-mapped IPv6 as IPv4; the same address is always written the same way. */
export function plainAddress(address: string): string {
  return ipaddr.process(address.replace(/%.*$/, '')).toString();
}

export function isIPv6(address: string): boolean {
  return ipaddr.parse(address).kind() === 'ipv6';
}

export function isLoopback(address: string): boolean {
  return ipaddr.parse(address).range() === 'loopback';
}

/** `0.0.0.0` or `::`. */
export function isWildcard(address: string): boolean {
  return ipaddr.parse(address).range() === 'unspecified';
}

/** One spelling of what a client sent, or `null` when it is no address. */
export function parseAddress(text: string): string | null {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text) ? plainAddress(text) : null;
}
