import {NOT_LOGGED_IN} from '../audience.ts';
import {knownServeSocket} from '../client/serverCache.ts';
import {KNOWN_ACTIONS} from '../config/aclRule.ts';
import {connect} from '../daemon/connect.ts';
import {STATUS} from '../protocol/message.ts';
import {AUDIENCES} from './message/draft.ts';
import {splitAtFirstWord} from './options/argv.ts';
import {FLEET_GROUP} from './options/flags.ts';

/** What oclif's manifest says of an option. */
interface OptionShape {
  readonly name: string;
  readonly char?: string;
  readonly type: string;
  readonly summary?: string;
  readonly helpValue?: string;
  readonly helpGroup?: string;
  readonly bare?: string;
}

type Options = Readonly<Record<string, OptionShape>>;

/** What oclif's manifest says of a command. */
export interface CommandShape {
  readonly hidden?: boolean;
  readonly summary?: string;
  readonly flags: Options;
  readonly args: Readonly<Record<string, {readonly options?: readonly string[]}>>;
}

/** Our own commands by their oclif ids. */
export type Commands = Readonly<Record<string, CommandShape>>;

export interface Candidate {
  readonly value: string;
  readonly description?: string;
}

/** What may stand in the place of the last word: one of these, or the name of a file. */
export type Completion = 'files' | readonly Candidate[];

/** Asks whom a message can reach, at the socket given or wherever a request would go. */
export type AskLive = (socket: string | undefined) => Promise<LiveNames>;

/** Which control actions the server has that a request would go to, as far as it can be known at once. */
export type AskActions = (socket: string | undefined) => Promise<readonly string[]>;

/** Control actions that a kind of subject and a name follow, as in mod_msg, mod_ctrls_admin and mod_ban. */
const SUBJECTS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['msg', AUDIENCES],
  ['kick', ['user', 'host', 'class', 'session']],
  ['ban', ['user', 'host', 'class']],
  ['permit', ['user', 'host', 'class']],
]);

/** What the help calls a value that is the name of a file. */
const FILES = ['FILE', 'PATH', 'DIR'];

/** What it calls a selection of other machines. */
const HOSTS = 'HOSTS';

/** `--name=` and the value after it. */
const GLUED = /^--([^=]+)=/;

const HELP: OptionShape = {name: 'help', char: 'h', type: 'boolean', summary: 'show help'};
const VERSION: OptionShape = {name: 'version', type: 'boolean', summary: 'show the version'};

/** Completes command lines. */
export class Completer {
  readonly #commands: Commands;
  readonly #live: AskLive;
  readonly #actions: AskActions;
  readonly #groups: () => readonly string[];
  #socket: string | undefined;
  /** What is typed is for other machines, where nobody is asked. */
  #isElsewhere = false;

  constructor(
    commands: Commands,
    live: AskLive,
    actions: AskActions = async () => KNOWN_ACTIONS,
    groups: () => readonly string[] = () => [],
  ) {
    this.#groups = groups;
    this.#commands = Object.fromEntries(
      Object.entries(commands).map(([id, command]) => [id, {...command, flags: withBare(command.flags)}]),
    );
    this.#live = live;
    this.#actions = actions;
  }

  /** @param words those after `ftpdctl`; the last one is being typed and may be empty */
  async complete(words: readonly string[]): Promise<Completion> {
    const typed = words.at(-1) ?? '';
    const offered = await this.#beforeCommand(words.slice(0, -1), typed);
    return offered === 'files' ? offered : offered.filter(({value}) => value.startsWith(typed));
  }

  async #beforeCommand(before: readonly string[], typed: string): Promise<Completion> {
    const options = pick(Object.values(this.#commands)[0]!.flags, isGlobal);
    const wanting = wantingOption(before, typed, options);
    if (wanting) return this.#values(wanting, typed);
    const [action, ...rest] = this.#skipOptions(before, options);
    if (action === undefined) {
      return typed.startsWith('-') ? optionNames({...options, HELP, VERSION}) : this.#firstWords();
    }
    if (Object.hasOwn(this.#commands, action)) return this.#inCommand(action, rest, typed);
    const [second, ...others] = rest;
    const id = `${action}:${second}`;
    if (Object.hasOwn(this.#commands, id)) return this.#inCommand(id, others, typed);
    const seconds = second === undefined ? this.#secondWords(action) : [];
    // `ban` is a control action, too.
    return seconds.length > 0 && !SUBJECTS.has(action)
      ? seconds
      : [...seconds, ...(await this.#words(action, rest))];
  }

  async #inCommand(id: string, before: readonly string[], typed: string): Promise<Completion> {
    const command = this.#commands[id]!;
    const args = Object.values(command.args);
    const wanting = wantingOption(before, typed, command.flags, args.length > 0);
    if (wanting) return this.#values(wanting, typed);
    const words = this.#skipOptions(before, command.flags, args.length > 0);
    if (typed.startsWith('-') && (words.length === 0 || args.length > 0)) {
      return optionNames({...pick(command.flags, (option) => !isGlobal(option)), HELP});
    }
    const choices = args[words.length]?.options;
    return choices ? choices.map((value) => ({value})) : this.#words(id, words);
  }

  /** The words of an action that stand before the one being typed tell what that may be. */
  async #words(action: string, words: readonly string[]): Promise<readonly Candidate[]> {
    const [first] = words;
    if (action === 'request' && first !== undefined) return this.#words(first, words.slice(1));
    if (words.length === 0) {
      if (action === 'request' || action === 'acl:check') return this.#controlActions();
      if (action === 'status') return [{value: 'all'}];
      return (SUBJECTS.get(action) ?? []).map((value) => ({value}));
    }
    return words.length === 1 && SUBJECTS.get(action)?.includes(first!) ? this.#names(first!) : [];
  }

  /** Values of an option, with `--name=` before them where they are typed so. */
  async #values({name, helpValue = ''}: OptionShape, typed: string): Promise<Completion> {
    if (FILES.includes(helpValue)) return 'files';
    const before = GLUED.exec(typed)?.[0] ?? '';
    if (helpValue === HOSTS) return this.#hosts(before, typed.slice(before.length));
    return (await this.#names(name)).map((one) => ({...one, value: `${before}${one.value}`}));
  }

  /** Groups, after those that stand before a comma. */
  #hosts(glued: string, typed: string): readonly Candidate[] {
    const before = `${glued}${typed.slice(0, typed.lastIndexOf(',') + 1)}`;
    return this.#groups().map((name) => ({value: `${before}@${name}`, description: 'a group of hosts'}));
  }

  async #names(kind: string): Promise<readonly Candidate[]> {
    if (kind !== 'user' && kind !== 'host' && kind !== 'class' && kind !== 'session') return [];
    if (this.#isElsewhere) return [];
    const names = await this.#live(this.#socket);
    return names[kind].map((value) => ({value, description: `a ${kind} connected now`}));
  }

  async #controlActions(): Promise<readonly Candidate[]> {
    const actions = this.#isElsewhere ? KNOWN_ACTIONS : await this.#actions(this.#socket);
    return actions.map((value) => ({value, description: 'control action'}));
  }

  async #firstWords(): Promise<readonly Candidate[]> {
    const ours = Object.entries(this.#commands)
      .filter(([id, {hidden}]) => !hidden && !id.includes(':'))
      .map(([value, {summary}]) => candidate(value, summary));
    const topics = new Set(Object.keys(this.#commands).flatMap((id) => /^(.*):/.exec(id)?.[1] ?? []));
    const seconds = (topic: string) => this.#secondWords(topic).map(({value}) => value);
    const actions = await this.#controlActions();
    // `ban list` asks for what the action `ban` answers.
    const isThere = (topic: string) =>
      !KNOWN_ACTIONS.includes(topic) || actions.some(({value}) => value === topic);
    const there = [...topics].filter(isThere).map((value) => candidate(value, seconds(value).join(', ')));
    const taken = [...ours, ...there];
    return [...taken, ...actions.filter(({value}) => taken.every((one) => one.value !== value))];
  }

  #secondWords(topic: string): readonly Candidate[] {
    return Object.entries(this.#commands)
      .filter(([id]) => id.startsWith(`${topic}:`))
      .map(([id, {summary}]) => candidate(id.slice(topic.length + 1), summary));
  }

  /** The words that are left without the options before them, or, where they may stand anywhere, without any. */
  #skipOptions(before: readonly string[], options: Options, anywhere = false): readonly string[] {
    const split = splitAtFirstWord(before, options);
    this.#socket = socketIn(split.options) ?? this.#socket;
    this.#isElsewhere ||= split.options.some((option) => /^(?:-H|--hosts(?:-file)?(?:=|$))/.test(option));
    const [word, ...rest] = split.words;
    if (word === undefined || !anywhere) return split.words;
    return [word, ...this.#skipOptions(rest, options, anywhere)];
  }
}

/** The option whose value is being typed. */
function wantingOption(
  before: readonly string[],
  typed: string,
  options: Options,
  anywhere = false,
): OptionShape | undefined {
  const glued = GLUED.exec(typed)?.[1];
  const last = glued === undefined ? (before.at(-1) ?? '') : `--${glued}`;
  // An option that takes a value swallows the next word.
  const swallowed = splitAtFirstWord(glued === undefined ? [...before, 'VALUE'] : before, options);
  if (swallowed.words.length > 0 && !anywhere) return undefined;
  return Object.values(options).find(
    ({type, name, char}) => type === 'option' && (last === `--${name}` || last === `-${char}`),
  );
}

function socketIn(options: readonly string[]): string | undefined {
  const at = options.findIndex((option) => option === '-s' || option === '--socket');
  const glued = options.map((option) => /^(?:--socket=|-s)(.+)/.exec(option)?.[1]).find(Boolean);
  return at === -1 ? glued : options[at + 1];
}

function optionNames(options: Options): readonly Candidate[] {
  return Object.values(options).flatMap(({name, char, summary}) => [
    candidate(`--${name}`, summary),
    ...(char === undefined ? [] : [candidate(`-${char}`, summary)]),
  ]);
}

function candidate(value: string, description: string | undefined): Candidate {
  return description === undefined ? {value} : {value, description};
}

/** The manifest tells a value that may be left out by its brackets alone. */
function withBare(options: Options): Options {
  const each = Object.entries(options).map(([name, option]) => [
    name,
    option.helpValue?.startsWith('[') ? {...option, bare: ''} : option,
  ]);
  return Object.fromEntries(each);
}

/** Whether it stands before the command. */
function isGlobal({helpGroup}: OptionShape): boolean {
  return helpGroup === 'GLOBAL' || helpGroup === FLEET_GROUP;
}

function pick(options: Options, wanted: (option: OptionShape) => boolean): Options {
  return Object.fromEntries(Object.entries(options).filter(([, option]) => wanted(option)));
}

/** Milliseconds for an answer: with the start of the program it stays below the 300 that a completion may take. */
const ANSWER_TIMEOUT_MS = 180;

/** Whom a message can reach at this moment. */
export interface LiveNames {
  readonly user: readonly string[];
  readonly host: readonly string[];
  readonly class: readonly string[];
  /** Ids. */
  readonly session: readonly string[];
}

const NOBODY: LiveNames = {user: [], host: [], class: [], session: []};

/** The names of connected sessions. Any trouble means nobody: a completion must not wait. */
export async function liveNames(socket: string | undefined, env: NodeJS.ProcessEnv): Promise<LiveNames> {
  try {
    const options = {...(socket === undefined ? {} : {socket}), timeout: ANSWER_TIMEOUT_MS, env};
    const answer = await connect(options).sessions({}, {withoutPoll: true});
    if (answer.kind !== 'sessions') return NOBODY;
    const {sessions} = answer;
    return {
      user: unique(sessions.map(({user}) => user ?? NOT_LOGGED_IN)),
      host: unique(sessions.flatMap(({host, address}) => [host, address])),
      class: unique(sessions.flatMap((session) => session.class ?? [])),
      session: sessions.map(({id}) => id),
    };
  } catch {
    return NOBODY;
  }
}

/** Those that `ftpdctl serve` has, where that answers; else those of ProFTPD's modules. */
export async function liveActions(
  socket: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  try {
    const known = await knownServeSocket(socket, env);
    if (known === undefined) return KNOWN_ACTIONS;
    const answer = await connect({socket: known, timeout: ANSWER_TIMEOUT_MS, env}).request('help');
    const actions = answer.responses.flatMap((line) => /^(\w+): /.exec(line)?.[1] ?? []);
    return answer.server !== undefined && answer.status === STATUS.OK ? actions : KNOWN_ACTIONS;
  } catch {
    return KNOWN_ACTIONS;
  }
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
