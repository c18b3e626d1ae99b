import {NOT_LOGGED_IN} from '../../audience.ts';
import type {Session, TextRules} from '../../daemon/daemon.ts';
import {countOf} from '../../text.ts';
import {type AudienceKind, audienceOf, type Draft, hasNoText, NAMED_AUDIENCES} from '../message/draft.ts';
import {type Ask, askWith} from '../options/ask.ts';
import type {GlobalOptions} from '../options/flags.ts';
import {printable} from '../output/output.ts';
import {type Choice, type MessageQuestion, orStepBack, type Questions} from './questions.ts';
import {Recent} from './recent.ts';
import {openQuestions} from './terminal.ts';

/**
 * Ask for the words of `msg` that are missing.
 * @throws PromptAborted when the person leaves
 */
export async function askMissingWords(
  draft: Draft,
  {
    options,
    hasText,
  }: {
    readonly options: GlobalOptions;
    /** Whether the message comes from elsewhere. */
    readonly hasText: boolean;
  },
): Promise<Draft> {
  const questions = await openQuestions();
  try {
    const recent = new Recent(process.env);
    const ask = askWith(options, questions.signal);
    let kind: AudienceKind | undefined;
    let kept: string | undefined;
    for (;;) {
      const audience = await askAudience(draft, {questions, ask, recent}, kind);
      if (audience.name !== undefined && audience.kind !== 'session')
        recent.add(audience.kind!, audience.name);
      if (hasText || !hasNoText(draft)) return {...audience, words: draft.words};
      const isAsked = audience.kind !== draft.kind || audience.name !== draft.name;
      const text = askText(questions, await ask((daemon) => daemon.textRules()), {
        audience: audienceOf({...audience, words: []}),
        ...(kept === undefined ? {} : {initial: kept}),
        onChange: (typed) => {
          kept = typed;
        },
      });
      const written = await (isAsked ? orStepBack(text) : text);
      if (written !== undefined) return {...audience, words: [written]};
      kind = audience.kind;
    }
  } finally {
    questions.close();
  }
}

type Named = Exclude<AudienceKind, 'all'>;

/** How a session is addressed by kind; `null`: not at all. */
const ADDRESSED: Readonly<Record<Named, (session: Session) => string | null>> = {
  user: ({user}) => user ?? NOT_LOGGED_IN,
  host: ({address}) => address,
  class: (session) => session.class,
  session: ({id}) => id,
};

/**
 * Ask for what is missing of an audience: among the sessions that are there where the server can tell, else freely,
 * with what was used lately to choose from.
 * @param chosenBefore the kind to begin with where the person has come back to choose another name
 * @throws StepBack when the person goes back from the first question
 */
export async function askAudience(
  {kind, name}: Pick<Draft, 'kind' | 'name'>,
  {questions, ask, recent}: {questions: Questions; ask: Ask; recent: Recent},
  chosenBefore?: AudienceKind,
): Promise<Pick<Draft, 'kind' | 'name'>> {
  if (kind === 'all' || name !== undefined) return {kind: kind!, ...(name === undefined ? {} : {name})};
  const sessions = await sessionsNow(ask);
  let chosen: AudienceKind | undefined = kind ?? (chosenBefore === 'all' ? undefined : chosenBefore);
  for (;;) {
    chosen ??= await questions.pick('Send to:', kindChoices(sessions));
    if (chosen === 'all') return {kind: chosen};
    const live = sessions && liveChoices(chosen, sessions);
    const used = recent.of(chosen);
    const hint = live ? nameHint(live, 'nobody is there now') : nameHint(used, 'none was used before');
    const named = questions.search(`Which ${chosen}?`, live ? among(live) : freely(used), {hint});
    const found = await (kind === undefined ? orStepBack(named) : named);
    if (found !== undefined) return {kind: chosen, name: found};
    chosen = undefined;
  }
}

/** That one may type, too. */
function nameHint(known: readonly unknown[], why: string): string {
  return known.length > 0 ? 'type to find one, or another name' : `${why}: type a name`;
}

/** `undefined` where the daemon will not say, as to a caller whom its ACLs do not let in. */
async function sessionsNow(ask: Ask): Promise<readonly Session[] | undefined> {
  const answer = await ask((daemon) => daemon.sessions());
  return answer.kind === 'sessions' ? answer.sessions : undefined;
}

function kindChoices(sessions: readonly Session[] | undefined): Choice<AudienceKind>[] {
  const all = sessions === undefined ? 'everybody' : `everybody: ${countOf(sessions.length, 'session')}`;
  return [
    ...NAMED_AUDIENCES.map((kind) => ({value: kind, short: kind, name: KIND_NAMES[kind]})),
    ...(sessions?.some(canBeMeantAlone)
      ? [{value: 'session' as const, short: 'session', name: KIND_NAMES.session}]
      : []),
    {value: 'all', short: 'all', name: `all      ${all}`},
  ];
}

/** A session of a ProFTPD is reached by root alone. */
function canBeMeantAlone({source}: Session): boolean {
  return source === 'serve' || process.geteuid?.() === 0;
}

const KIND_NAMES: Readonly<Record<Named, string>> = {
  user: 'user     by login name',
  host: 'host     by address or host name',
  class: 'class    by the class of the address',
  session: 'session  one of those that are there',
};

/** Each name once, with what is behind it. */
function liveChoices(kind: Named, sessions: readonly Session[]): Choice<string>[] {
  const names = new Set(sessions.map(ADDRESSED[kind]).filter((name) => name !== null));
  return [...names].sort().map((value) => {
    const meant = sessions.filter((session) => ADDRESSED[kind](session) === value);
    if (kind === 'session')
      return {value, name: printable(value), description: printable(ownerOf(meant[0]!))};
    const hosts = [...new Set(meant.map(({host}) => host))];
    const description = `${countOf(meant.length, 'session')} from ${hosts.slice(0, 3).join(', ')}`;
    return {value, name: printable(value), description: printable(description)};
  });
}

function ownerOf({user, host}: Session): string {
  return `${user ?? NOT_LOGGED_IN}@${host}`;
}

/** Those that hold what is typed; and, last, that itself. */
export function among(choices: readonly Choice<string>[]): (typed: string) => Choice<string>[] {
  return (typed) => {
    const found = choices.filter(({name}) => holds(name, typed));
    return typed === '' || found.some(({value}) => value === typed) ? found : [...found, asTyped(typed)];
  };
}

/** What is typed; and what was used lately and holds it. */
export function freely(used: readonly string[]): (typed: string) => Choice<string>[] {
  return (typed) => {
    const found = used.filter((name) => name !== typed && holds(name, typed));
    const before = found.map((value) => ({value, name: printable(value), description: 'used lately'}));
    return typed === '' ? before : [asTyped(typed), ...before];
  };
}

function holds(name: string, typed: string): boolean {
  return name.toLowerCase().includes(typed.toLowerCase());
}

function asTyped(typed: string): Choice<string> {
  return {value: typed, name: printable(typed), description: 'as typed'};
}

/** Ask for the text of a message that the way takes. By the socket of a ProFTPD it is written in ASCII, and shown so. */
export async function askText(
  questions: Questions,
  rules: TextRules,
  {
    audience,
    ...question
  }: {readonly audience: readonly string[]} & Pick<MessageQuestion, 'initial' | 'onChange'>,
): Promise<string> {
  const adapt = rules.utf8 ? (text: string) => text : (await import('any-ascii')).default;
  const typed = await questions.text({
    ...question,
    message: 'Message:',
    severalLines: rules.severalLines,
    room: (text) => rules.room({audience, text: adapt(text)}),
    refusal: (text) => rules.refusal({audience, text: adapt(text)}),
  });
  const text = adapt(typed);
  if (text !== typed) {
    process.stdout.write(`In ASCII, all that a ProFTPD takes by its socket: ${printable(text)}\n`);
  }
  return text;
}
