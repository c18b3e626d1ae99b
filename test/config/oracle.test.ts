import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {ConfigError} from '../../src/lib/config/errors.ts';
import {type LoadedConfig, loadSettings} from '../../src/lib/config/load.ts';
import {memorySource} from './memorySource.ts';

interface ParseCase {
  readonly text: string;
  readonly ok: boolean;
  readonly stderr: readonly string[];
}

interface FunctionalCase {
  readonly config: readonly string[];
  readonly daemon_started: boolean;
  readonly NOOP?: readonly string[];
}

const oracle = JSON.parse(readFileSync(new URL('../oracle/acl.json', import.meta.url), 'utf8')) as {
  parse: Record<string, Record<string, ParseCase>>;
  functional: Record<string, Record<string, FunctionalCase>>;
};

const DIRECTORY = '/d';
const FILE = `${DIRECTORY}/t.conf`;
const ENVIRONMENT = {ORACLE_LOG: `${DIRECTORY}/env.log`, ORACLE_ON: 'on'};
const LONG_LINE = 5000;

function load(text: string): LoadedConfig {
  const files = {
    [FILE]: text.replaceAll('{d}', DIRECTORY),
    [`${DIRECTORY}/incdir/a.conf`]: 'MessageEngine bogus\n',
    '/dev/null': '',
    '/tmp/': '',
  };
  return loadSettings(memorySource(files, ENVIRONMENT), FILE);
}

/** The text that was measured, where the record has it shortened or does without what cannot be seen. */
function textOf(name: string, {text}: ParseCase): string {
  if (name === 'UTF-8 BOM') return `\ufeff${text}`;
  if (name === 'very long line 5000') return `MessageLog {d}/${'p'.repeat(LONG_LINE)}`;
  return text;
}

/** Where we differ from 1.3.10 on purpose. */
const DELIBERATE: Readonly<Record<string, {ok: boolean; because: string}>> = {
  'MessageLog = none': {ok: true, because: 'it is documented'},
  'unknown directive': {ok: true, because: 'directives nobody knows are skipped'},
  'misspelt acl directive singular': {
    ok: true,
    because: 'skipped, too, with a warning that says what was meant',
  },
};

describe('every parse outcome of the oracle, as 1.3.10 has it', () => {
  test.each(Object.entries(oracle.parse['1.3.10rc5']!))('%s', (name, parseCase) => {
    const expected = DELIBERATE[name]?.ok ?? parseCase.ok;
    if (expected) {
      expect(() => load(textOf(name, parseCase))).not.toThrow();
      return;
    }
    let thrown: unknown;
    try {
      load(textOf(name, parseCase));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ConfigError);
    const {at, message} = thrown as ConfigError;
    const [, line, file] = /line <text line (-?\d+)> of '\{d\}(\S+)'/.exec(parseCase.stderr.join('\n')) ?? [];
    // Lines before the measured text, and those of included files, are counted from elsewhere in the record.
    if (Number(line) > 0) expect(at).toEqual({file: FILE, line: Number(line)});
    else expect(at).toEqual({file: `${DIRECTORY}${file ?? '/t.conf'}`, line: 1});
    expect(message).toMatch(/expected|missing parameters|not allowed|unknown action|is a directory/);
  });

  test('both versions agree, but for a line of more than 4096 bytes and for errors in included files', () => {
    const old = oracle.parse['1.3.8']!;
    const differing = Object.entries(oracle.parse['1.3.10rc5']!).filter(
      ([name, {ok}]) => old[name]!.ok !== ok,
    );
    expect(differing.map(([name]) => name)).toEqual(['very long line 5000']);
  });
});

/** The record leaves out closing lines: a section holds the one directive that follows it, if any does. */
function closed(lines: readonly string[]): string {
  const text: string[] = [];
  let open: string | null = null;
  for (const line of lines) {
    const section = /^<(\w+)/.exec(line)?.[1];
    if (open !== null && !line.startsWith('MessageEngine')) text.push(`</${open}>`);
    if (open !== null && !line.startsWith('MessageEngine')) open = null;
    text.push(line);
    if (open !== null) text.push(`</${open}>`);
    open = section ?? null;
  }
  if (open !== null) text.push(`</${open}>`);
  return text.join('\n');
}

describe('whether a message reaches a session: MessageEngine as every functional case shows it', () => {
  const cases = Object.entries(oracle.functional['1.3.10rc5']!).filter(
    ([name, {NOOP}]) => NOOP !== undefined && /^(MessageEngine|session served|normal)/.test(name),
  );

  test('there are cases', () => {
    expect(cases.length).toBeGreaterThan(15);
  });

  test.each(cases)('%s', (name, {config, NOOP}) => {
    const {settings} = load(closed(config));
    const server = name.startsWith('session served') ? settings.virtualHosts[0]! : settings.main;
    expect(server.engine.value).toBe(NOOP!.length > 1);
  });
});

describe('given twice', () => {
  test('MessageLog: the first counts', () => {
    const {config} = oracle.functional['1.3.10rc5']!['MessageLog twice']!;
    expect(load(config.join('\n')).settings.message.log).toEqual({
      value: '/d/msg.log',
      at: {file: FILE, line: 6},
    });
  });

  test('MessageQueue and what belongs to the socket: the last counts', () => {
    const {message, controls} = load(
      'MessageQueue /a\nMessageQueue /b\nControlsSocket /c\nControlsSocket /d\nControlsEngine off\nControlsEngine on\n',
    ).settings;
    expect([message.queue.value, controls.socket.value, controls.engine.value]).toEqual(['/b', '/d', true]);
  });
});
