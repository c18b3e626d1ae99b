import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

/**
 * Makes man/*.8: the names, usages and options come from the commands' definitions (oclif.manifest.json), the rest from
 * man/src, one mdoc(7) file a page. In such a file `.Dd` is the date, the line `.\" OPTIONS` is where the options go, and
 * in ftpdctl.mdoc `.\" COMMANDS` is where the commands go.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const SECTION = 8;

/** The pages: file name → text. A command without a hand-written part gets its description. */
export function renderPages() {
  const {commands} = JSON.parse(readFileSync(`${root}oclif.manifest.json`, 'utf8'));
  const shown = Object.values(commands).filter(({hidden}) => !hidden);
  const pages = [programPage(shown), ...shown.map((command) => commandPage(command))];
  return new Map(pages.map(({name, text}) => [`${name}.${SECTION}`, text]));
}

/** The pages of commands that nobody has written anything for. */
export function pagesWithoutSource() {
  return [...renderPages().keys()].filter((page) => !existsSync(sourceFile(page.slice(0, -2))));
}

function programPage(commands) {
  const options = Object.values(commands[0].flags).filter((flag) => isGlobal(flag) || isFleet(flag));
  const list = commands.flatMap((command) => [
    `.It Xr ${pageName(command)} ${SECTION}`,
    ...prose(`${command.summary}.`),
  ]);
  return page('ftpdctl', {
    purpose: 'control client for every ProFTPD',
    synopsis: ['.Nm', '.Op Ar option ...', '.Ar command', '.Op Ar word ...'],
    options: optionList([HELP, ...options, VERSION]),
    commands: ['.Bl -tag -width Ds', ...list, '.El'],
  });
}

function commandPage(command) {
  const options = Object.values(command.flags).filter((option) => !isGlobal(option) && !isFleet(option));
  return page(pageName(command), {
    purpose: command.summary[0].toLowerCase() + command.summary.slice(1),
    synopsis: synopsis(command),
    options: options.length === 0 ? [] : optionList(options),
    description: command.description ?? `${command.summary}.`,
  });
}

const HELP = {name: 'help', char: 'h', summary: 'show help, of a command when its name follows'};
const VERSION = {name: 'version', summary: 'show the version of ftpdctl and of Node'};

function isGlobal({helpGroup}) {
  return helpGroup === 'GLOBAL';
}

/** They stand before every command, too. */
function isFleet({helpGroup}) {
  return helpGroup === 'FLEET';
}

function pageName({id}) {
  return `ftpdctl-${id.replaceAll(':', '-')}`;
}

function sourceFile(name) {
  return `${root}man/src/${name}.mdoc`;
}

function page(name, {purpose, synopsis, options, commands = [], description = ''}) {
  const {date, body} = source(name, description);
  const lines = [
    `.\\" Made by npm run man from man/src/${name}.mdoc and the commands' definitions: edit those.`,
    date,
    `.Dt ${name.toUpperCase()} ${SECTION}`,
    '.Os',
    '.Sh NAME',
    `.Nm ${name}`,
    `.Nd ${purpose}`,
    '.Sh SYNOPSIS',
    ...synopsis,
    ...body.flatMap((line) => {
      if (line === '.\\" OPTIONS') return options;
      return line === '.\\" COMMANDS' ? commands : [line];
    }),
  ];
  return {name, text: `${laidOut(lines).join('\n')}\n`};
}

/** The hand-written part of a page, or what can do for it. */
function source(name, description) {
  const written = existsSync(sourceFile(name));
  const [date, ...body] = readFileSync(sourceFile(written ? name : 'ftpdctl'), 'utf8')
    .trimEnd()
    .split('\n');
  if (written) return {date, body};
  const rest = ['.Sh DESCRIPTION', ...prose(description), '.\\" OPTIONS', '.Sh SEE ALSO', '.Xr ftpdctl 8'];
  return {date, body: rest};
}

/** Text in lines of 80 characters. What is typed must be copied as it is: in literal text a hyphen is a minus sign. */
function laidOut(lines) {
  let literal = false;
  return lines.flatMap((line) => {
    if (/^\.(Bd -literal|Ed)/.test(line)) literal = line.startsWith('.Bd');
    if (line.startsWith('.')) return [line];
    return literal ? [line.replaceAll('-', '\\-')] : line.match(/\S.{0,78}\S(?= [^.']|$)|\S/g);
  });
}

function optionList(options) {
  const sorted = options.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const items = sorted.flatMap((option) => [
    optionTerm(option),
    ...prose(`${option.summary}.${option.description ? ` ${option.description}` : ''}`),
  ]);
  return ['.Bl -tag -width Ds', ...items, '.El'];
}

function optionTerm({name, char, helpValue}) {
  const optional = helpValue?.startsWith('[');
  const value = helpValue?.replace(/^\[|\]$/g, '').toLowerCase();
  const long = `Fl -${name}`;
  const glued = optional ? `${long} Ns Op = Ns Ar ${value}` : `${long} Ns = Ns Ar ${value}`;
  if (char === undefined) return `.It ${value === undefined ? long : glued}`;
  return value === undefined ? `.It Fl ${char} , ${long}` : `.It Fl ${char} Ar ${value} , ${glued}`;
}

/** A text as lines of mdoc: a line a sentence, the first letter a capital. */
function prose(text) {
  const sentences = (text[0].toUpperCase() + text.slice(1))
    .replace(/^Ftpdctl/, 'ftpdctl')
    .split(/(?<=[.:]) (?=[A-Z])/);
  return sentences.map((line) => line.replaceAll('\\', '\\e').replace(/^[.']/, '\\&$&'));
}

/** The usage of a command: words in capitals stand for something else, brackets hold what may be left out. */
function synopsis({id, usage, args}) {
  const words = Object.keys(args).map((arg) => arg.toUpperCase());
  const usages = usage?.split('\n') ?? [[id.replaceAll(':', ' '), '[OPTION...]', ...words].join(' ')];
  return usages.flatMap((line) => ['.Nm ftpdctl', `.${usageMacros(line)}`]);
}

function usageMacros(usage) {
  const tokens = usage.match(/\s+|\.\.\.|[[\]|#]|[^\s.[\]|#]+/g);
  const macros = tokens.map((token, i) => usageMacro(token, i > 0 && !/^[\s[|]/.test(tokens[i - 1])));
  return macros.filter((macro) => macro !== '').join(' ');
}

function usageMacro(token, glued) {
  const ns = glued ? 'Ns ' : '';
  if (/^\s/.test(token)) return '';
  if (token === '[') return `${ns}Oo`;
  if (token === ']') return 'Oc';
  if (token === '|' || token === '...') return token;
  if (token === '#') return `${ns}No #`;
  if (token.startsWith('-')) return `Fl ${token.slice(1)}`;
  return /^[A-Z]/.test(token) ? `${ns}Ar ${token.toLowerCase()}` : `${ns}Cm ${token}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of renderPages()) writeFileSync(`${root}man/${file}`, text);
  for (const file of pagesWithoutSource()) console.warn(`man/${file} has no hand-written part in man/src`);
}
