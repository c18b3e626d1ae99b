import type {FileFacts} from './tree.ts';

/** RFC 3659 §2.3: YYYYMMDDHHMMSS in UTC. */
export function timeValue(time: Date): string {
  return time.toISOString().replace(/\D/g, '').slice(0, 14);
}

/** RFC 3659 §7.5, and UNIX.mode of ProFTPD. */
const FACTS = {
  modify: (facts: FileFacts) => timeValue(facts.modified),
  perm: (facts: FileFacts) => (facts.kind === 'file' ? 'adfrw' : 'cdeflmp'),
  size: (facts: FileFacts) => String(facts.size),
  type: (facts: FileFacts) => listedType(facts),
  unique: (facts: FileFacts) => facts.unique,
  'UNIX.mode': (facts: FileFacts) => `0${facts.mode.toString(8)}`,
};

export type ListedFact = keyof typeof FACTS;

export const ALL_FACTS = Object.keys(FACTS) as ListedFact[];

/** `fact=value;… name`, with the facts that the client has chosen (RFC 3659 §7.2). */
export function writeFacts(chosen: readonly ListedFact[], facts: FileFacts, name: string): string {
  return `${chosen.map((fact) => `${fact}=${FACTS[fact](facts)};`).join('')} ${name}`;
}

function listedType({kind, name}: FileFacts): string {
  if (kind === 'file') return 'file';
  return name === '.' ? 'cdir' : name === '..' ? 'pdir' : 'dir';
}
