import type {Maintenance, MaintenanceAbilities, Session} from '../../daemon/daemon.ts';
import {FtpdctlError} from '../../errors.ts';
import type {Ask} from '../options/ask.ts';
import {UsageError} from '../options/usageError.ts';
import type {DrainEvent, PlannedGate} from './events.ts';
import {type DrainPlan, messageWith} from './plan.ts';

export interface Preview {
  readonly abilities: MaintenanceAbilities;
  readonly identity: Maintenance['identity'];
  readonly planned: Extract<DrainEvent, {event: 'plan'}>;
}

/** What a drain would do, to whom, and what it cannot do. Nothing is touched. @throws UsageError for a message that cannot be sent */
export async function preview(
  plan: DrainPlan,
  {then, reopen = false}: {readonly then?: string | undefined; readonly reopen?: boolean},
  ask: Ask,
): Promise<Preview> {
  const {abilities, identity} = await ask(async (daemon) => {
    const maintenance = await daemon.maintenance();
    return {abilities: await maintenance.abilities(), identity: maintenance.identity};
  });
  const sessions = abilities.ending.kind === 'supported' ? await sessionsNow(ask) : null;
  const cannot = await whatCannotBeDone(plan, abilities, ask);
  return {
    abilities,
    identity,
    planned: planEvent(plan, abilities, {sessions, cannot, command: then, reopen}),
  };
}

export async function sessionsNow(ask: Ask): Promise<readonly Session[]> {
  const result = await ask((daemon) => daemon.sessions());
  return result.kind === 'sessions' ? result.sessions : [];
}

/** What is asked for and will not happen, or not as it should. */
async function whatCannotBeDone(
  plan: DrainPlan,
  abilities: MaintenanceAbilities,
  ask: Ask,
): Promise<string[]> {
  const {logins, ending, seesTransfers} = abilities;
  const text = messageWith(plan, 0);
  const rules = plan.isSilent ? undefined : await ask((daemon) => daemon.textRules());
  const refusal = rules?.refusal({audience: ['all'], text});
  if (refusal !== undefined) throw new UsageError(`--message: ${refusal}`);
  const denial = plan.isSilent ? undefined : await whyNotTold(ask);
  return [
    ...(denial === undefined ? [] : [`telling anybody: ${denial}`]),
    ...(logins.kind === 'unsupported' ? [`closing logins: ${logins.reason}`] : []),
    ...(ending.kind === 'unsupported' ? [`ending sessions: ${ending.reason}`] : []),
    ...(ending.kind === 'supported' && !seesTransfers
      ? ['sparing transfers: this server does not tell them, and they end with their sessions']
      : []),
  ];
}

/** Why the daemon would not send messages; `undefined` where it would, or nobody knows. */
async function whyNotTold(ask: Ask): Promise<string | undefined> {
  try {
    const access = await ask((daemon) => daemon.access({kind: 'check', action: 'msg'}));
    const isDenied =
      access.kind === 'access' && 'allowed' in access.details && access.details.allowed === false;
    return isDenied ? access.lines.join('; ') : undefined;
  } catch (error) {
    if (error instanceof FtpdctlError) return undefined;
    throw error;
  }
}

/** The plan as it is told. */
export function planEvent(
  {end, cut, steps, message}: DrainPlan,
  {logins}: MaintenanceAbilities,
  {
    sessions,
    cannot,
    command,
    reopen,
  }: {
    readonly sessions: readonly Session[] | null;
    readonly cannot: readonly string[];
    readonly command?: string | undefined;
    readonly reopen: boolean;
  },
): Extract<DrainEvent, {event: 'plan'}> {
  const closes = plannedGate(logins);
  return {
    event: 'plan',
    end,
    cut,
    steps: steps.map((step) => ({
      step: step.kind,
      at: step.at,
      ...(step.kind === 'warn' ? {left: step.left / 1000, message: messageWith({message}, step.left)} : {}),
    })),
    ...(closes === undefined ? {} : {closes}),
    ...(command === undefined ? {} : {command}),
    reopen,
    cannot,
    sessions,
  };
}

function plannedGate(logins: MaintenanceAbilities['logins']): PlannedGate | undefined {
  switch (logins.kind) {
    case 'shutmsg':
      return {by: 'shutmsg', path: logins.path, daemons: logins.closes};
    case 'down':
      return {by: 'down', servers: logins.servers};
    case 'unsupported':
      return undefined;
  }
}
