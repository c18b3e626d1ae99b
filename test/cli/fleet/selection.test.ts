import {chmodSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {makeOwnHome, removeOwnHome} from '../../helpers/ownHome.ts';
import {runFtpdctl} from '../../helpers/program.ts';

let home: string;
beforeEach(() => {
  home = makeOwnHome();
  mkdirSync(join(home, '.config', 'ftpdctl'), {recursive: true});
});
afterEach(() => removeOwnHome(home));

const groupsFile = () => join(home, '.config', 'ftpdctl', 'hosts');
const ftpdctl = (args: string, input?: string) =>
  runFtpdctl(args.split(' '), {home, ...(input === undefined ? {} : {input})});

test('without an ssh, each host is out of reach, and it is said why', async () => {
  const run = await runFtpdctl(['-H', 'a[1-2]', 'status'], {home, env: {FTPDCTL_SSH: '/nonexistent/ssh'}});
  expect(run).toMatchObject({status: 69, stdout: ''});
  expect(run.stderr).toBe(
    'a[1-2]: ssh cannot be run: no such file or directory (the package openssh-client has it; FTPDCTL_SSH names another)\n',
  );
});

describe('ftpdctl hosts', () => {
  test.each([
    ['-H ftp[01-03] hosts', 'ftp01\nftp02\nftp03\n'],
    ['-H ftp[01-03] -H web -x ftp02 -x web hosts', 'ftp01\nftp03\n'],
    ['-H @site hosts', 'a1\na2\nb\n'],
    ['-H @site -x @part hosts', 'b\n'],
    ['hosts', 'GROUP  COUNT  HOSTS\n@part  2      a[1-2]\n@site  3      a[1-2],b\n'],
    ['-q -H ftp01 hosts', ''],
  ])('%s', async (args, stdout) => {
    writeFileSync(groupsFile(), 'part: a[1-2]\nsite: @part b\n');
    expect(await ftpdctl(args)).toMatchObject({status: 0, stdout, stderr: ''});
  });

  test('a file of hosts, and standard input', async () => {
    writeFileSync(join(home, 'list'), 'ftp01 # old\n\n# ftp02\nftp[03-04],x\n');
    expect(await ftpdctl('--hosts-file list -x x hosts')).toMatchObject({stdout: 'ftp01\nftp03\nftp04\n'});
    expect(await ftpdctl('-H y --hosts-file - hosts', 'z')).toMatchObject({stdout: 'y\nz\n'});
  });

  test.each([
    ['-H ftp01 -x ftp01 hosts', 'no host is left'],
    ['-H , hosts', 'no host is named'],
    ['-H -oProxyCommand=x hosts', 'ssh would take it for an option'],
    ['-H @nobody hosts', 'there is no group @nobody'],
    ['--hosts-file missing hosts', 'cannot read missing: no such file'],
  ])('%s is wrong', async (args, stderr) => {
    const run = await ftpdctl(args);
    expect(run).toMatchObject({status: 3, stdout: ''});
    expect(run.stderr).toContain(stderr);
  });

  test('groups that another user could have written are not read', async () => {
    writeFileSync(groupsFile(), 'site: a\n');
    chmodSync(groupsFile(), 0o666);
    const run = await ftpdctl('-H @site hosts');
    expect(run).toMatchObject({status: 3, stdout: ''});
    expect(run.stderr).toContain(`cannot read ${groupsFile()}: another user can change it`);
    expect(await ftpdctl('-H b hosts')).toMatchObject({status: 0, stdout: 'b\n'});
  });

  test('nor what a link leads to', async () => {
    writeFileSync(join(home, 'elsewhere'), 'site: a\n');
    symlinkSync(join(home, 'elsewhere'), groupsFile());
    const run = await ftpdctl('-H @site hosts');
    expect(run).toMatchObject({status: 3, stdout: ''});
    expect(run.stderr).toContain(`cannot read ${groupsFile()}`);
  });
});

test.each([
  'msg -H ftp01 all hi',
  'who -x ftp01',
  'acl check msg --hosts=ftp01',
])('%s: what chooses machines stands before the command', async (args) => {
  const run = await ftpdctl(args);
  expect(run).toMatchObject({status: 3, stdout: ''});
  expect(run.stderr).toContain('stands before the command');
});

test.each([
  '-x ftp01 who',
  '-x ftp01 hosts',
  '--sudo msg all hi',
  '--fanout 3 help',
])('%s counts with -H only', async (args) => {
  const run = await ftpdctl(args);
  expect(run).toMatchObject({status: 3, stdout: ''});
  expect(run.stderr).toContain('counts with -H only');
});
