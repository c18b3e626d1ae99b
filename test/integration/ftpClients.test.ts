import {spawnSync} from 'node:child_process';
import {mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Readable, Writable} from 'node:stream';
import {buffer} from 'node:stream/consumers';
import {Client} from 'basic-ftp';
import {beforeEach, describe, expect, onTestFinished, test} from 'vitest';
import {DiskTree} from '../../src/lib/ftp/tree/diskTree.ts';
import {MemoryTree} from '../../src/lib/ftp/tree/memoryTree.ts';
import type {FakeMailbox} from '../helpers/fakeMailbox.ts';
import {startMock} from '../helpers/mock.ts';
import {describeWithPeer, whyNoProgram} from '../helpers/peers.ts';
import {type ProgramResult, runProcess} from '../helpers/process.ts';
import {cleanEnvironment} from '../helpers/program.ts';
import {parseReplies} from '../helpers/rfc959.ts';
import {tap} from '../helpers/tap.ts';

const CONTENT = 'The quick brown fox\njumps over the lazy dog.\n';
const HALF = CONTENT.slice(0, 20);

interface Scene {
  readonly tree: MemoryTree;
  readonly mailbox: FakeMailbox;
  /** Where the client is to connect to. */
  readonly port: number;
  readonly url: string;
  /** A directory of the client's own, with `local.txt` and `half.txt` in it. */
  readonly folder: string;
  run(program: string, args: readonly string[], input?: string): Promise<ProgramResult>;
  file(name: string): Promise<string>;
  remote(path: string): Promise<string>;
  /**
   * Every message was on the wire exactly once, in replies that parse, and was reported as shown exactly once.
   * Gives those that the client was to show: all but the ones in replies that it hides.
   */
  verify(minimum: number, hidden?: string): Promise<string[]>;
}

/** Ends with a word that no other message ends with, and is fit to confuse: a code, a path, a size, a time, a port. */
const messageText = (number: number): string =>
  `226 notice "/evil" 213 99 20010101000000 (|||9|) 215 VMS m${number}m`;

async function scene(): Promise<Scene> {
  const tree = new MemoryTree();
  tree.addDirectory('/pub');
  tree.addFile('/pub/fox.txt', CONTENT);
  const {mailbox, port: mockPort} = await startMock({tree});
  mailbox.rearm = messageText;
  const {port, wires} = await tap(mockPort);
  const folder = await mkdtemp(join(tmpdir(), 'ftpdctl-client-'));
  onTestFinished(() => rm(folder, {recursive: true, force: true}));
  await writeFile(join(folder, 'local.txt'), CONTENT);
  await writeFile(join(folder, 'half.txt'), HALF);
  return {
    tree,
    mailbox,
    port,
    url: `ftp://dave:x@127.0.0.1:${port}`,
    folder,
    run: (program, args, input) => {
      // The shims of version managers find their versions by the environment.
      const env = {...process.env, ...cleanEnvironment(folder), PATH: process.env['PATH']};
      return runProcess(program, args, {
        cwd: folder,
        env,
        timeout: 20_000,
        ...(input === undefined ? {} : {input}),
      });
    },
    file: (name) => readFile(join(folder, name), 'utf8'),
    remote: async (path) => (await buffer(await tree.read(path, 0))).toString(),
    verify: async (minimum, hidden) => {
      const replies = wires.flatMap((wire) => parseReplies(wire));
      const onWire = markers(replies.flatMap(({lines}) => lines).join('\n'));
      await expect.poll(() => markers(mailbox.shownTexts.join('\n'))).toEqual(onWire);
      expect(new Set(onWire).size).toBe(onWire.length);
      expect(onWire.length).toBeGreaterThanOrEqual(minimum);
      return markers(replies.flatMap(({code, lines}) => (code === hidden ? [] : lines)).join('\n'));
    },
  };
}

function markers(text: string): string[] {
  return text.match(/m\d+m/g) ?? [];
}

let given: Scene;
beforeEach(async () => {
  given = await scene();
});

describeWithPeer(whyNoProgram('lftp'), 'lftp, with a message before every command', () => {
  const lftp = (...commands: string[]): Promise<ProgramResult> => {
    const settings = ['set net:max-retries 1', 'set net:timeout 5', 'set cmd:fail-exit yes', 'debug 5'];
    const open = `open -u dave,x -p ${given.port} 127.0.0.1`;
    return given.run('lftp', ['-c', [...settings, open, ...commands].join('; ')]);
  };

  test.each(['on', 'off'])('does everything (passive-mode %s)', async (passive) => {
    const {status, stdout, stderr} = await lftp(
      `set ftp:passive-mode ${passive}`,
      'ls',
      'cls -l pub',
      'cd pub',
      'pwd',
      'cat fox.txt',
      'get fox.txt -o got.txt',
      'get -c fox.txt -o half.txt',
      'put local.txt -o up.txt',
      'put half.txt -o resumed.txt',
      'put -c local.txt -o resumed.txt',
      'mv up.txt renamed.txt',
      'rm resumed.txt',
      'mkdir dir',
      'rmdir dir',
      'quote NOOP',
      'bye',
    );
    expect([status, stderr]).toEqual([0, expect.any(String)]);
    expect(stdout).toContain(CONTENT);
    expect(stdout).toContain(`${given.port}/pub\n`);
    expect([await given.file('got.txt'), await given.file('half.txt')]).toEqual([CONTENT, CONTENT]);
    expect(await given.remote('/pub/renamed.txt')).toBe(CONTENT);
    expect((await given.tree.list('/pub')).map(({name}) => name).sort()).toEqual(['fox.txt', 'renamed.txt']);
    await given.verify(12);
  });

  test('is told once, and that a missing file is missing, whatever the message says', async () => {
    given.mailbox.rearm = (number) => `Too many users, timed out, Broken pipe m${number}m`;
    const {status, stderr} = await lftp('rm nosuch.txt');
    expect([status, stderr]).toEqual([1, expect.stringContaining('nosuch.txt: No such file or directory')]);
    expect(markers(stderr.match(/<---.*/g)!.join('\n'))).toEqual([...new Set(await given.verify(1))]);
  });
});

describeWithPeer(whyNoProgram('curl'), 'curl, with a message before every command', () => {
  const curl = async (...args: string[]): Promise<ProgramResult> => {
    const result = await given.run('curl', [
      '--silent',
      '--show-error',
      '--verbose',
      '--max-time',
      '10',
      ...args,
    ]);
    expect([args, result.status, result.stderr]).toEqual([args, 0, expect.any(String)]);
    return result;
  };

  test('does everything', async () => {
    const {url, file, remote} = given;
    let seen = '';
    const runs: [string[], string?][] = [
      [[`${url}/`]],
      [[`${url}/pub/fox.txt`], CONTENT],
      [['--ftp-port', '-', `${url}/pub/fox.txt`], CONTENT],
      [['--ftp-method', 'singlecwd', '--disable-epsv', `${url}/pub/fox.txt`], CONTENT],
      [['--range', '4-8', `${url}/pub/fox.txt`], 'quick'],
      [['--head', `${url}/pub/fox.txt`]],
      [['--continue-at', '-', '--output', 'half.txt', `${url}/pub/fox.txt`]],
      [['--upload-file', 'local.txt', '--ftp-create-dirs', `${url}/new/dir/up.txt`]],
      [['--upload-file', 'local.txt', '--append', `${url}/new/dir/up.txt`]],
      [
        ['--quote', 'RNFR new/dir/up.txt', '--quote', 'RNTO new/renamed.txt', '--list-only', `${url}/new/`],
        'dir\nrenamed.txt\n',
      ],
      [
        ['--quote', 'RMD new/dir', '--quote', 'DELE pub/fox.txt', '--list-only', `${url}/new/`],
        'renamed.txt\n',
      ],
    ];
    for (const [args, output] of runs) {
      const {stdout, stderr} = await curl(...args);
      if (output !== undefined) expect([args, stdout]).toEqual([args, output]);
      if (args[0] === '--head') expect(stdout).toContain(`Content-Length: ${CONTENT.length}`);
      seen += stderr.match(/^< .*/gm)!.join('\n');
    }
    expect(await file('half.txt')).toBe(CONTENT);
    expect(await remote('/new/renamed.txt')).toBe(CONTENT + CONTENT);
    // Not even --verbose shows the reply to QUIT.
    expect(markers(seen)).toEqual(await given.verify(30, '221'));
  });

  test('continues an upload', async () => {
    given.tree.addFile('/pub/part.txt', HALF);
    await curl('--continue-at', '-', '--upload-file', 'local.txt', `${given.url}/pub/part.txt`);
    expect(await given.remote('/pub/part.txt')).toBe(CONTENT);
    await given.verify(3);
  });
});

describeWithPeer(whyNoProgram('tnftp'), 'tnftp, with a message before every command', () => {
  test.each([['-p'], ['-A']])('does everything, and shows each message once (%s)', async (how) => {
    const script = [
      'user dave x',
      'ls',
      'cd pub',
      'pwd',
      'get fox.txt got.txt',
      'size fox.txt',
      'modtime fox.txt',
      'reget fox.txt half.txt',
      'put local.txt up.txt',
      'append local.txt up.txt',
      'rename up.txt renamed.txt',
      'mkdir dir',
      'rmdir dir',
      'mls fox.txt -',
      'status',
      'quote NOOP',
      'delete fox.txt',
      'quit',
    ];
    const {status, stdout, stderr} = await given.run(
      'tnftp',
      ['-n', '-v', how, '127.0.0.1', String(given.port)],
      `${script.join('\n')}\n`,
    );
    const output = stdout + stderr;
    expect([status, output]).toEqual([0, expect.stringContaining('221-Goodbye.')]);
    expect(output).toContain('Remote directory: /pub');
    expect(output).toContain(`fox.txt\t${CONTENT.length}`);
    expect([await given.file('got.txt'), await given.file('half.txt')]).toEqual([CONTENT, CONTENT]);
    expect(await given.remote('/pub/renamed.txt')).toBe(CONTENT + CONTENT);
    expect((await given.tree.list('/pub')).map(({name}) => name)).toEqual(['renamed.txt']);

    expect(markers(output)).toEqual(await given.verify(12));
  });
});

const FTPLIB = `
import ftplib, io, json, sys
content, half = sys.argv[2], sys.argv[3]
ftp = ftplib.FTP()
ftp.connect('127.0.0.1', int(sys.argv[1]), timeout=10)
out = {'texts': [ftp.login('dave', 'x')]}
say = lambda text: out['texts'].append(text)
lines = []
ftp.dir(lines.append)
out['dir'] = len(lines)
say(ftp.cwd('pub'))
out['pwd'] = ftp.pwd()
out['nlst'] = ftp.nlst()
out['mlsd'] = sorted(name for name, facts in ftp.mlsd())
fetched = io.BytesIO()
say(ftp.retrbinary('RETR fox.txt', fetched.write))
out['fetched'] = fetched.getvalue().decode()
rest = io.BytesIO()
say(ftp.retrbinary('RETR fox.txt', rest.write, rest=len(half)))
out['rest'] = rest.getvalue().decode()
out['size'] = ftp.size('fox.txt')
out['mdtm'] = ftp.voidcmd('MDTM fox.txt')[:6]
say(ftp.storbinary('STOR up.txt', io.BytesIO(half.encode())))
say(ftp.storbinary('STOR up.txt', io.BytesIO(content[len(half):].encode()), rest=len(half)))
say(ftp.rename('up.txt', 'renamed.txt'))
out['mkd'] = ftp.mkd('dir')
say(ftp.rmd('dir'))
say(ftp.delete('fox.txt'))
try:
    ftp.cwd('nosuch')
except ftplib.error_perm as error:
    say(str(error))
ftp.set_pasv(False)
out['active'] = ftp.nlst()
ftp.set_pasv(True)
ftp.voidcmd('TYPE I')
data = ftp.transfercmd('RETR big.bin')
say(ftp.abort())
# RFC 959 has two replies here, abort() reads one.
say(ftp.voidresp())
data.close()
say(ftp.voidcmd('NOOP'))
say(ftp.quit())
print(json.dumps(out))
`;

describeWithPeer(whyNoProgram('python3'), "Python's ftplib, with a message before every command", () => {
  test('does everything, and has the messages in its reply texts', async () => {
    given.tree.addFile('/pub/big.bin', Buffer.alloc(16 * 1024 * 1024));
    const {status, stdout, stderr} = await given.run('python3', [
      '-c',
      FTPLIB,
      String(given.port),
      CONTENT,
      HALF,
    ]);
    expect([status, stderr]).toEqual([0, '']);
    const {texts, ...out} = JSON.parse(stdout) as {texts: string[]};
    expect(out).toEqual({
      dir: 1,
      pwd: '/pub',
      nlst: ['fox.txt', 'big.bin'],
      mlsd: ['.', '..', 'big.bin', 'fox.txt'],
      fetched: CONTENT,
      rest: CONTENT.slice(HALF.length),
      size: CONTENT.length,
      mdtm: expect.stringMatching(/^213 \d\d$/),
      mkd: '/pub/dir',
      active: ['big.bin', 'renamed.txt'],
    });
    expect(await given.remote('/pub/renamed.txt')).toBe(CONTENT);
    const onWire = await given.verify(15);
    // Each of these calls hands its reply to the caller, and none of them hands over a message twice.
    expect(texts.map((text) => markers(text).length)).toEqual(texts.map(() => 1));
    expect(onWire).toEqual(expect.arrayContaining(texts.flatMap(markers)));
  });
});

describe('basic-ftp, with a message before every command', () => {
  test('does everything', async () => {
    const client = new Client(10_000);
    onTestFinished(() => client.close());
    await client.access({host: '127.0.0.1', port: given.port, user: 'dave', password: 'x'});
    expect((await client.list()).map(({name}) => name)).toEqual(['pub']);
    const {message} = await client.cd('pub');
    expect(markers(message)).toHaveLength(1);
    expect(await client.pwd()).toBe('/pub');
    expect(await client.size('fox.txt')).toBe(CONTENT.length);
    expect((await client.lastMod('fox.txt')).getTime()).toBeGreaterThan(0);
    expect([...(await client.features()).keys()]).toContain('MLST');
    expect(await fetched(client, 'fox.txt', 0)).toBe(CONTENT);
    expect(await fetched(client, 'fox.txt', HALF.length)).toBe(CONTENT.slice(HALF.length));
    await client.uploadFrom(Readable.from(HALF), 'up.txt');
    await client.appendFrom(Readable.from(CONTENT.slice(HALF.length)), 'up.txt');
    await client.rename('up.txt', 'renamed.txt');
    await client.remove('fox.txt');
    await client.ensureDir('/pub/a/b');
    await client.cd('/pub');
    await client.removeDir('a');
    await expect(client.remove('nosuch')).rejects.toMatchObject({code: 550});
    expect(await given.remote('/pub/renamed.txt')).toBe(CONTENT);
    expect((await client.list()).map(({name}) => name)).toEqual(['renamed.txt']);
    await given.verify(12);
  });

  async function fetched(client: Client, name: string, startAt: number): Promise<string> {
    const chunks: Buffer[] = [];
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk);
        done();
      },
    });
    await client.downloadTo(sink, name, startAt);
    return Buffer.concat(chunks).toString();
  }
});

describeWithPeer(whyNoProgram('wget'), 'wget, with a message before every command', () => {
  test.each([
    [['--timestamping']],
    [['--recursive', '--no-host-directories']],
    [['--continue', '--output-document=half.txt']],
  ])('fetches with %s', async (args) => {
    const {status} = await given.run('wget', [
      '--tries=1',
      '--timeout=5',
      ...args,
      `${given.url}/pub/fox.txt`,
    ]);
    expect(status).toBe(0);
    const name = args.length === 1 ? 'fox.txt' : args[0] === '--recursive' ? 'pub/fox.txt' : 'half.txt';
    expect(await given.file(name)).toBe(CONTENT);
    await given.verify(3);
  });
});

/** Net::FTP is part of Perl, and not of every distribution's smallest Perl. */
function whyNoNetFtp(): string | null {
  const {status} = spawnSync('perl', ['-MNet::FTP', '-e', '1'], {stdio: 'ignore'});
  return status === 0 ? null : "Perl's Net::FTP is not installed";
}

describeWithPeer(whyNoNetFtp(), "Perl's Net::FTP", () => {
  /** `close` asks once more for octets, with no time to wait, and sends ABOR unless that is the end. */
  const CLOSE_AT_ONCE = `
    use Net::FTP;
    my $ftp = Net::FTP->new('127.0.0.1', Port => shift, Timeout => 10) or die $@;
    $ftp->login('dave', 'x') or die $ftp->message;
    for (1 .. 20) {
      for (['list', 'pub'], ['nlst', 'pub'], ['retr', 'pub/fox.txt']) {
        my ($command, $path) = @$_;
        my $data = $ftp->$command($path) or die $ftp->message;
        $data->read(my $octets, 8192, 10);
        print $command, ' ', $data->close() ? 'whole' : 'broken off', ' ', $ftp->code, "\\n";
      }
    }`;

  test('sees the end of a transfer with its last octet', async () => {
    const tree = new MemoryTree();
    tree.addDirectory('/pub');
    tree.addFile('/pub/fox.txt', CONTENT);
    const {port} = await startMock({tree});
    const {stdout, stderr} = await runProcess('perl', ['-e', CLOSE_AT_ONCE, String(port)], {
      env: cleanEnvironment('/'),
    });
    const once = ['list', 'nlst', 'retr'].map((command) => `${command} whole 226\n`).join('');
    expect([stdout, stderr]).toEqual([once.repeat(20), '']);
  });
});

describeWithPeer(whyNoProgram('lftp'), 'lftp mirrors a tree with links that go round', () => {
  test('each directory once, as from a ProFTPD', async () => {
    const root = await mkdtemp(join(tmpdir(), 'ftpdctl-loop-'));
    const copy = await mkdtemp(join(tmpdir(), 'ftpdctl-copy-'));
    onTestFinished(async () => {
      for (const folder of [root, copy]) await rm(folder, {recursive: true, force: true});
    });
    await mkdir(join(root, 'a', 'b'), {recursive: true});
    await writeFile(join(root, 'a', 'b', 'fox.txt'), CONTENT);
    await symlink('../..', join(root, 'a', 'b', 'up'));
    await symlink('/a', join(root, 'a', 'again'));
    const {port} = await startMock({tree: await DiskTree.open(root)});
    const open = `set net:max-retries 1; open -u dave,x -p ${port} 127.0.0.1`;
    const {status} = await runProcess('lftp', ['-c', `${open}; mirror / ${copy}/all`], {
      env: cleanEnvironment('/'),
    });
    expect(status).toBe(0);
    const found = await readdir(join(copy, 'all'), {recursive: true});
    expect(found.sort()).toEqual(['a', 'a/b', 'a/b/fox.txt']);
  });
});
