import type {ProgramFacts} from '../../diagnosis/facts.ts';
import type {Dialect} from '../../protocol/message.ts';
import {parseVersion} from '../../protocol/version.ts';
import {executableOf} from '../../transport/processes/proc.ts';
import {askProftpd, installedProftpd} from '../../transport/processes/proftpdProgram.ts';
import type {Known} from '../daemon.ts';

/**
 * The version of the very program that a daemon runs, even if its file has been replaced; for those who may not know
 * that program, of the installed one.
 */
export async function versionOf(pid: number): Promise<Known<string>> {
  const program = executableOf(pid) === undefined ? installedProftpd() : `/proc/${pid}/exe`;
  if (program === undefined) return {known: false, why: 'only root may see which program it runs'};
  const output = await ask(program, '-v');
  if (!output.known) return output;
  const version = /ProFTPD Version (\S+)/.exec(output.value)?.[1];
  return version === undefined
    ? {known: false, why: `${program} -v does not tell`}
    : {known: true, value: version};
}

/** 1.3.9 brought JSON. */
export function dialectOf(version: Known<string>): Known<Dialect> {
  if (!version.known) return version;
  const parsed = parseVersion(version.value);
  if (parsed === undefined) return {known: false, why: `${version.value} is no version known here`};
  const [major, minor, patch] = parsed.numbers;
  const isNew = major !== 1 ? major > 1 : minor !== 3 ? minor > 3 : patch >= 9;
  return {known: true, value: isNew ? 'json' : 'binary'};
}

/** The files that the installed ProFTPD was built to use. */
export async function compiledInFiles(): Promise<{configuration?: string; scoreboard?: string}> {
  const program = installedProftpd();
  if (program === undefined) return {};
  const output = await ask(program, '-V');
  if (!output.known) return {};
  const configuration = compiledIn(output.value, 'Configuration File');
  const scoreboard = compiledIn(output.value, 'Scoreboard File');
  return {...(configuration && {configuration}), ...(scoreboard && {scoreboard})};
}

/** @param file what is run: the path, or that of a running program under `/proc` */
export async function describeProgram(path: string, file: string): Promise<ProgramFacts> {
  const [built, list] = await Promise.all([ask(file, '-V'), ask(file, '-l')]);
  return {path, ...programIn(built.known ? built.value : '', list.known ? list.value : '')};
}

/** What `-V` and `-l` print. */
export function programIn(built: string, list: string): Omit<ProgramFacts, 'path'> {
  const modules = [...list.matchAll(/^\s*(mod_\w+\.c)\s*$/gm)].map(([, name]) => name!);
  const controls = /^\s*([+-]) Controls support$/m.exec(built)?.[1];
  return {
    version: /^\s*Version: (\S+)/m.exec(built)?.[1] ?? null,
    controls: controls === undefined ? null : controls === '+',
    modules: modules.length === 0 ? null : new Set(modules),
    moduleDirectory: compiledIn(built, 'Shared Module Directory') ?? null,
    scoreboard: compiledIn(built, 'Scoreboard File') ?? null,
  };
}

/** A path under its title. */
function compiledIn(built: string, title: string): string | undefined {
  return new RegExp(`${title}:\\s*\\n\\s*(/.*)`).exec(built)?.[1];
}

async function ask(program: string, option: '-v' | '-V' | '-l'): Promise<Known<string>> {
  try {
    return {known: true, value: await askProftpd(program, option)};
  } catch (error) {
    return {known: false, why: `${program} ${option}: ${(error as Error).message}`};
  }
}
