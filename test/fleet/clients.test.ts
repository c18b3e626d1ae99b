import {chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {
  askForClient,
  ClientMemory,
  clientsIn,
  isUnchanged,
  type RemoteClient,
} from '../../src/lib/fleet/clients.ts';
import {type Host, parseHosts} from '../../src/lib/fleet/hosts.ts';
import type {RemoteShell} from '../../src/lib/fleet/ssh.ts';
import {makeOwnHome, removeOwnHome} from '../helpers/ownHome.ts';
import {runProcess} from '../helpers/process.ts';

const [FTP1, FTP2] = parseHosts('ftp1,ftp2') as [Host, Host];
const OURS: RemoteClient = {kind: 'ours', path: '/usr/bin/ftpdctl', stamp: '1 -rwxr-xr-x'};
const STOCK: RemoteClient = {kind: 'stock', path: '/usr/sbin/ftpdctl', stamp: '2', dialect: 'binary'};
const DAY = 24 * 60 * 60 * 1000;
const NOON = 1_800_000_000_000;

describe('what is remembered of a host', () => {
  let home: string;
  beforeEach(() => {
    home = makeOwnHome();
  });
  afterEach(() => removeOwnHome(home));

  const file = () => join(home, '.cache/ftpdctl/fleet.json');
  const memory = (now = NOON) => new ClientMemory({HOME: home}, () => now);
  function remember(host: Host, client: RemoteClient | undefined, now = NOON): void {
    const one = memory(now);
    one.set(host, client);
    one.save();
  }

  test('is known at once, and to the next run', () => {
    const one = memory();
    one.set(FTP1, STOCK);
    expect(one.get(FTP1)).toEqual(STOCK);
    expect(one.get(FTP2)).toBeUndefined();
    one.save();
    expect(memory().get(FTP1)).toEqual(STOCK);
    expect(memory().get(FTP2)).toBeUndefined();
  });

  test.each([
    ['just before a day is over', DAY - 1, OURS],
    ['after a day', DAY, undefined],
    ['when the clock was put back by less', -DAY + 1, OURS],
    ['when it was put back by a day', -DAY, undefined],
  ])('%s', (_when, later, known) => {
    remember(FTP1, OURS);
    expect(memory(NOON + later).get(FTP1)).toEqual(known);
  });

  test('is kept beside what others have written meanwhile, and not beyond its day', () => {
    remember(FTP1, OURS);
    const [one, other] = [memory(), memory()];
    one.set(FTP2, STOCK);
    other.set(FTP1, STOCK);
    other.save();
    one.save();
    expect([memory().get(FTP1), memory().get(FTP2)]).toEqual([STOCK, STOCK]);
    remember(FTP2, OURS, NOON + DAY);
    expect(Object.keys(JSON.parse(readFileSync(file(), 'utf8')) as object)).toEqual(['ftp2']);
  });

  test('is forgotten where it was found to be wrong', () => {
    remember(FTP1, OURS);
    const one = memory();
    one.set(FTP1, undefined);
    expect(one.get(FTP1)).toBeUndefined();
    one.save();
    expect(memory().get(FTP1)).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ['another kind', {...OURS, kind: 'theirs', at: NOON}],
    ['a relative path', {...OURS, path: 'ftpdctl', at: NOON}],
    ['a path that is none', {...OURS, path: 1, at: NOON}],
    ['no stamp', {kind: 'ours', path: '/x', at: NOON}],
    ['no time', OURS],
    ['another dialect', {...STOCK, dialect: 'xml', at: NOON}],
    ['nothing', null],
  ])('is not believed of %s', (_what, entry) => {
    remember(FTP2, OURS);
    writeFileSync(file(), JSON.stringify({ftp1: entry, ftp2: {...STOCK, at: NOON}}));
    expect(memory().get(FTP1)).toBeUndefined();
    expect(memory().get(FTP2)).toEqual(STOCK);
  });

  test.each(['', 'null', '[', '7'])('a file of %j is as good as none', (text) => {
    remember(FTP2, OURS);
    writeFileSync(file(), text);
    expect(memory().get(FTP2)).toBeUndefined();
    remember(FTP1, OURS);
    expect(memory().get(FTP1)).toEqual(OURS);
  });

  test('nothing is written where nothing was learnt, or where nothing may be kept', () => {
    memory().save();
    expect(() => readFileSync(file())).toThrow('ENOENT');
    const nowhere = new ClientMemory({HOME: 'relative'});
    nowhere.set(FTP1, OURS);
    nowhere.save();
    expect(nowhere.get(FTP1)).toEqual(OURS);
  });
});

describe('which client a host has', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ftpdctl-clients-'));
  });
  afterEach(() => rmSync(directory, {recursive: true, force: true}));

  /** A program of the host, in a directory of its own. @returns that directory */
  function install(name: string, version: string, mode = 0o755): string {
    const place = join(directory, name);
    mkdirSync(place);
    writeFileSync(join(place, 'ftpdctl'), `#!/bin/sh\necho '${version}'\n`, {mode});
    chmodSync(join(place, 'ftpdctl'), mode);
    return place;
  }

  /** A shell of a host with this PATH. */
  const shell = (path: string) =>
    ({
      run: ({words: [command, ...args]}: {words: string[]}) =>
        runProcess(command!, args, {env: {PATH: path}}),
    }) as unknown as RemoteShell;

  test('is ours, wherever it stands, before another that comes first', async () => {
    const path = [
      install('a', 'usage: ftpdctl'),
      install('b', 'ftpdctl/0.1.0 linux-x64'),
      '/usr/bin',
      '/bin',
    ];
    const client = await askForClient(FTP1, shell(path.join(':')));
    expect(client).toEqual({
      kind: 'ours',
      path: join(directory, 'b/ftpdctl'),
      stamp: expect.stringMatching(/^\d+ -rwxr-xr-x .*\/b\/ftpdctl$/) as string,
    });
    const unchanged = async () => (await runProcess('sh', ['-c', isUnchanged(client)], {env: {}})).status;
    expect(await unchanged()).toBe(0);
    rmSync(client.path);
    expect(await unchanged()).toBe(1);
  });

  test('is the first of the others where none is ours', async () => {
    const path = [install('a', 'usage: ftpdctl'), install('b', 'usage: ftpdctl'), '/usr/bin', '/bin'];
    expect(await askForClient(FTP1, shell(path.join(':')))).toMatchObject({
      kind: 'stock',
      path: join(directory, 'a/ftpdctl'),
    });
  });

  test('is none that may not be run, or that no absolute directory has', async () => {
    const path = [install('a', 'ftpdctl/9', 0o644), '.', install('b', 'ftpdctl/9'), '/usr/bin', '/bin'];
    expect(await askForClient(FTP1, shell(path.join(':')))).toMatchObject({
      path: join(directory, 'b/ftpdctl'),
    });
  });

  test.each([
    ['says nothing', {stdout: ''}],
    ['is another than was asked', 'stale'],
  ])('a host that %s has none, and is told so', async (_what, result) => {
    const silent = {run: () => Promise.resolve(result)} as unknown as RemoteShell;
    await expect(askForClient(FTP1, silent)).rejects.toMatchObject({
      code: 'NO_CLIENT',
      hint: expect.stringContaining('ftp1') as string,
    });
  });
});

test.each([
  ['client\n/usr/bin/ftpdctl\n1 -rwx\nstock\nProFTPD Version 1.3.8\n', [{kind: 'stock', dialect: 'binary'}]],
  ['client\n/usr/bin/ftpdctl\n1 -rwx\nstock\nProFTPD Version 1.3.9rc1\n', [{kind: 'stock', dialect: 'json'}]],
  ['client\n/usr/bin/ftpdctl\n1 -rwx\nstock\n', [{kind: 'stock'}]],
  [
    'client\n/usr/bin/ftpdctl\n1 -rwx\nstock\nclient\n/usr/local/bin/ftpdctl\n2 -rwx\nours\n',
    [{kind: 'stock'}, {kind: 'ours', path: '/usr/local/bin/ftpdctl', stamp: '2 -rwx'}],
  ],
  ['', []],
  ['client\nrelative\n1\nours\n', []],
])('what a probe says is taken apart: %j', (output, clients) => {
  expect(clientsIn(output)).toMatchObject(clients);
  expect(clientsIn(output)).toHaveLength(clients.length);
});
