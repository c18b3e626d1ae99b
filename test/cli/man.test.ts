import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {CHECKOUT} from '../helpers/checkout.ts';
import {manExamples} from '../helpers/manExamples.ts';
import {describeWithPeer, whyNoProgram} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';

interface Option {
  readonly name: string;
  readonly char?: string;
  readonly helpGroup?: string;
}

interface Command {
  readonly id: string;
  readonly hidden?: boolean;
  readonly flags: Readonly<Record<string, Option>>;
}

const MAN = join(CHECKOUT, 'man');
const pages = readdirSync(MAN).filter((name) => name.endsWith('.8'));
const pageText = (page: string) => readFileSync(join(MAN, page), 'utf8');
const manifest = JSON.parse(readFileSync(join(CHECKOUT, 'oclif.manifest.json'), 'utf8'));
const commands = Object.values(manifest.commands as Record<string, Command>).filter(({hidden}) => !hidden);
const readme = readFileSync(join(CHECKOUT, 'README.md'), 'utf8');
const examples = [
  ...manExamples().map(({command}) => command),
  ...[...readme.matchAll(/^ftpdctl .*$/gm)].map(([line]) => line),
];
/** Before every command. */
const standsBefore = (helpGroup = '') => ['GLOBAL', 'FLEET'].includes(helpGroup);
const pageOf = ({id}: Command) => `ftpdctl-${id.replaceAll(':', '-')}.8`;

test('there is a page for the program and one for each command', () => {
  expect(pages.toSorted()).toEqual(['ftpdctl.8', ...commands.map(pageOf)].toSorted());
});

test('npm installs every page', () => {
  const {man} = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8'));
  expect(man).toEqual(pages.map((page) => `man/${page}`).toSorted());
});

describe.each(commands.map((command) => [command.id, command] as const))('%s', (_id, command) => {
  const options = Object.values(command.flags);

  test('every option stands in a page', () => {
    expect(options).not.toEqual([]);
    for (const {name, char, helpGroup} of options) {
      const text = pageText(standsBefore(helpGroup) ? 'ftpdctl.8' : pageOf(command));
      expect(text).toMatch(new RegExp(`^\\.It .*Fl -${name}\\b`, 'm'));
      if (char !== undefined) expect(text).toMatch(new RegExp(`^\\.It Fl ${char}\\b`, 'm'));
    }
  });

  test("its page leads from the program's page, and has examples", () => {
    expect(pageText('ftpdctl.8')).toContain(`.It Xr ${pageOf(command).slice(0, -2)} 8\n`);
    expect(manExamples().some(({page}) => `${page}.8` === pageOf(command))).toBe(true);
  });

  test('every option stands in an example of a man page or of the README', () => {
    const words = ` ${command.id.replaceAll(':', ' ')} `;
    expect(options).not.toEqual([]);
    for (const {name, char, helpGroup} of options) {
      const option = new RegExp(` (--${name}${char === undefined ? '' : `|-${char}`})\\b`);
      const ofCommand = examples.filter((line) => standsBefore(helpGroup) || line.includes(words));
      expect(
        ofCommand.filter((line) => option.test(line)),
        name,
      ).not.toEqual([]);
    }
  });
});

describeWithPeer(whyNoProgram('mandoc'), 'mandoc', () => {
  test.each(pages)('%s has no warnings', async (page) => {
    const run = await runProcess('mandoc', ['-T', 'lint', '-W', 'warning', join(MAN, page)], {
      env: {PATH: process.env['PATH']},
    });
    expect(run).toEqual({status: 0, signal: null, stdout: '', stderr: ''});
  });
});

describeWithPeer(whyNoProgram('man'), 'man', () => {
  test.each(pages)('shows %s', async (page) => {
    const run = await runProcess('man', ['-l', join(MAN, page)], {
      env: {PATH: process.env['PATH'], LANG: 'C.UTF-8', MANWIDTH: '80'},
    });
    expect(run).toMatchObject({status: 0, stderr: ''});
    expect(run.stdout).toContain(page.slice(0, -2));
  });
});

describe('every file and folder that the pages for people name', () => {
  const sources = readdirSync(join(CHECKOUT, 'src'), {encoding: 'utf8', recursive: true});
  const places = ['', 'src', 'src/lib', 'bin', 'test'].map((place) => join(CHECKOUT, place));
  const named = ['CONTRIBUTING.md', 'README.md', 'docs/recipes.md'].flatMap((page) => {
    const text = readFileSync(join(CHECKOUT, page), 'utf8');
    return [...text.matchAll(/`((?:[a-zA-Z]\w*\/)*[a-zA-Z]\w*(?:\/|\.(?:ts|js|cjs)))`|`(src\/[\w/]+)`/g)].map(
      ([, path, folder]) => ({page, path: (path ?? folder)!}),
    );
  });

  test('are many', () => expect(named.length).toBeGreaterThan(40));

  test.each(named)('$page: $path', ({path}) => {
    // A name alone stands for a file beside the one named before it.
    const isBeside = !path.includes('/') && sources.some((source) => source.endsWith(`/${path}`));
    expect(isBeside || places.some((place) => existsSync(join(place, path)))).toBe(true);
  });
});
