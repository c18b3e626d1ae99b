/*
 * The shapes of `details.ts` as JSON schemas: what a client makes sure of before it uses what a server says. Further
 * members are no fault, since a later server may have more to say.
 */

const text = {type: 'string'} as const;
const textOrNull = {type: 'string', nullable: true} as const;
const number = {type: 'number'} as const;
const count = {type: 'integer', minimum: 0} as const;
const truth = {type: 'boolean'} as const;
const truthOrNull = {type: 'boolean', nullable: true} as const;

const list = <T>(items: T) => ({type: 'array', items}) as const;

function object(properties: Readonly<Record<string, object>>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return {type: 'object', properties, required} as const;
}

const whoSession = object({
  id: text,
  pid: count,
  user: textOrNull,
  host: text,
  address: text,
  class: textOrNull,
  server: text,
  engine: truth,
  connectedAt: number,
  idle: number,
  waiting: count,
});

const rule = object({file: text, line: count, text});

export const DETAILS_SCHEMAS = {
  who: object({sessions: list(whoSession), omitted: count}),
  status: object({uptime: number, sessions: count, waiting: count, engine: truth}),
  msg: object(
    {
      id: text,
      recipients: count,
      engineOff: count,
      refused: count,
      unanswered: count,
      sessions: list(whoSession),
    },
    ['id', 'sessions'],
  ),
  receipt: object(
    {
      id: text,
      recipients: count,
      taken: count,
      shown: count,
      probablyShown: count,
      lost: count,
      unknown: count,
      unanswered: count,
      waiting: list(object({user: textOrNull, host: text})),
      undelivered: list(object({user: textOrNull, host: text, reason: text})),
    },
    ['taken', 'probablyShown'],
  ),
  aclCheck: object(
    {
      action: text,
      user: text,
      group: text,
      allowed: truthOrNull,
      why: text,
      decidedBy: rule,
      notes: list(text),
      proftpd: text,
    },
    ['decidedBy', 'notes', 'proftpd'],
  ),
  aclList: object(
    {
      actions: list(object({action: text, who: text, rules: list(rule)})),
      findings: list(text),
      proftpd: text,
    },
    ['proftpd'],
  ),
} as const;
