import type {MaintenanceAbilities, Session} from '../../daemon/daemon.ts';
import type {Ask} from '../options/ask.ts';
import {UsageError} from '../options/usageError.ts';
import type {DrainEvent, PlannedGate} from './events.ts';
import {type DrainPlan, messageWith} from './plan.ts';

export interface Preview {
  readonly abilities: MaintenanceAbilities;
  readonly planned: Extract<DrainEvent, {event: 'plan'}>;
}

/** What a drain would do, to whom, and what it cannot do. Nothing is touched. @throws UsageError for a message that cannot be sent */
export async function preview(
  plan: DrainPlan,
  {then, reopen = false}: {readonly then?: string | undefined; readonly reopen?: boolean},
  ask: Ask,
): Promise<Preview> {
  const abilities = await ask(async (daemon) => (await daemon.maintenance()).abilities());
  const sessions = abilities.ending.kind === 'supported' ? await sessionsNow(ask) : null;
  const cannot = await whatCannotBeDone(plan, abilities, ask);
  return {abilities, planned: planEvent(plan, abilities, {sessions, cannot, command: then, reopen})};
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
  const access = plan.isSilent
    ? undefined
    : await ask((daemon) => daemon.access({kind: 'check', action: 'msg'}));
  const isDenied = access?.kind === 'access' && 'allowed' in access.details && !access.details.allowed;
  return [
    ...(isDenied ? [`telling anybody: ${access.lines.join('; ')}`] : []),
    ...(logins.kind === 'unsupported' ? [`closing logins: ${logins.reason}`] : []),
    ...(ending.kind === 'unsupported' ? [`ending sessions: ${ending.reason}`] : []),
    ...(ending.kind === 'supported' && !seesTransfers
      ? ['sparing transfers: this server does not tell them, and they end with their sessions']
      : []),
  ];
}

function planEvent(
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
    readonly command: string | undefined;
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
