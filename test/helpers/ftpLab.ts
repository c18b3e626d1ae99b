import {execFileSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type {Exchange} from './ftpScript.ts';

/** Seconds since 1970: 2020-01-02 03:04:05. */
const THEN = 1_577_934_245;
const DAY = 86_400;

/** Names are octets, as latin1 has them. */
const octets = (text: string): Buffer => Buffer.from(text, 'latin1');

const FILES: readonly (readonly [name: string, content: string, time: number, mode?: number])[] = [
  ['a.txt', 'alpha\n', 0],
  ['b.txt', 'bravo bravo\n', 300 * DAY],
  ['big.bin', 'x'.repeat(100_000), 5],
  ['crlf.txt', 'one\r\ntwo\n', 6],
  ['.hidden', 'h\n', 7],
  ['.dot/inside', 'i\n', 9],
  ['run.sh', '#!/bin/sh\n', 10, 0o755],
  ['sub/c.txt', 'charlie\n', 20],
  ['sub/.keep', '', 21],
  ['sub/deep/d.txt', 'delta\n', 22],
];

const DIRECTORIES: readonly (readonly [name: string, time: number, mode?: number])[] = [
  ['sub', -400 * DAY],
  ['sub/deep', 50],
  ['empty', 11],
  ['tmp', 12, 0o1777],
  ['.dot', 8],
];

const LINKS: readonly (readonly [name: string, target: string, time: number])[] = [
  ['link', 'a.txt', 30],
  ['dlink', 'sub', 31],
  ['dangling', 'nosuch', 32],
  ['abs', '/sub/c.txt', 33],
  ['self', '.', 34],
  ['loop', 'loop', 35],
  ['sub/back', '..', 36],
  ['up', '../../../../../a.txt', 37],
];

const ODD_NAMES: readonly string[] = [
  ...[
    'sp ace.txt',
    ' lead',
    'trail ',
    'caf\xe9',
    'caf\xc3\xa9',
    'tab\there',
    'cr\rx',
    'tilde~',
    '~',
    '~dave',
  ],
  ...['*star', '[br]', '-dash', 'q"uote', 'iac\xffx', 'back\\slash', '{a,b}'],
];

/** Fill a directory, whatever was in it, with files of every kind, which belong to `owner` and are as old as they say. */
export function buildTree(root: string, owner: number, odd: boolean): void {
  const at = (name: string): Buffer => octets(`${root}/${name}`);
  for (const name of readdirSync(root, 'latin1'))
    rmSync(at(name) as unknown as string, {recursive: true, force: true});
  for (const [name, , mode = 0o755] of DIRECTORIES) {
    mkdirSync(at(name));
    chmodSync(at(name), mode);
  }
  const odds = odd ? ODD_NAMES.map((name) => [name, 'odd\n', 100] as const) : [];
  for (const [name, content, , mode = 0o644] of [...FILES, ...odds]) {
    writeFileSync(at(name), octets(content));
    chmodSync(at(name), mode);
  }
  for (const [name, target] of LINKS) symlinkSync(target, at(name));
  // Made once and linked: to start a program for each tree would be most of the time.
  if (!existsSync(`${root}.fifo`)) execFileSync('mkfifo', [`${root}.fifo`]);
  linkSync(`${root}.fifo`, `${root}/fifo`);
  const times: [string, number][] = [
    ...LINKS.map(([name, , time]): [string, number] => [name, time]),
    ...[...FILES, ...odds].map(([name, , time]): [string, number] => [name, time]),
    ['fifo', 40],
    ...DIRECTORIES.map(([name, time]): [string, number] => [name, time]).reverse(),
  ];
  for (const [name, time] of times) {
    lchownSync(at(name), owner, owner);
    lutimesSync(at(name), THEN + time, THEN + time);
  }
  chmodSync(root, 0o755);
  chownSync(root, owner, owner);
  lutimesSync(root, THEN, THEN);
}

/**
 * What was answered, without what differs from machine to machine and run to run: ports, inodes, owners, sizes of
 * directories, times of today, and the order in which a directory has its names.
 */
export function comparable({command, replies, data}: Exchange): string[] {
  const unsorted = /^(NLST|MLSD|LIST -\S*U)/.test(command);
  const content = data === undefined ? [] : [unsorted ? data.split('\r\n').sort().join('\r\n') : data];
  return [`> ${command}`, ...[...replies, ...content].map(withoutChance)];
}

const MODE = '[-dlps][-rwxsStT]{9}';
const LONG = new RegExp(
  String.raw`^( ?${MODE}) +\d+ \S+ +\S+ +(\S+) (\w{3} [ \d]\d) (\d\d:\d\d|[ \d]{5})`,
  'gm',
);

function withoutChance(text: string): string {
  return text
    .replace(/\(127,0,0,1,\d+,\d+\)/g, '(127,0,0,1,P)')
    .replace(/\(\|\|\|\d+\|\)/g, '(|||P|)')
    .replace(LONG, (_all, mode: string, size: string, day: string, time: string) =>
      [mode, mode.includes('d') ? 'SIZE' : size, ...(time.includes(':') ? ['TODAY'] : [day, time])].join(' '),
    )
    .replace(/unique=\w+/g, 'unique=U')
    .replace(/UNIX\.(group|groupname|owner|ownername)=\w+;/g, '')
    .replace(/modify=20[2-9][1-9]\d{10}/g, 'modify=TODAY')
    .replace(/(bytes transferred for session:) \d+/, '$1 N')
    .replace(/FILE: \S+/, 'FILE: NAME');
}
