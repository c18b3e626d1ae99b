import {mkdtemp, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {MockFtpServer} from '../../src/lib/ftp/server.ts';
import {DiskTree} from '../../src/lib/ftp/tree/diskTree.ts';
import {noMailbox} from '../../src/lib/session/mailbox/mailbox.ts';
import {BEFORE_LOGIN, HOME, ODD_NAMES, READS, SCRIPTS} from '../helpers/ftpCommands.ts';
import {buildTree, comparable} from '../helpers/ftpLab.ts';
import {FtpScript} from '../helpers/ftpScript.ts';
import {LAB} from '../helpers/mock.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';

const ITS_FAULT = 'a fault of ProFTPD';
/** The uid of the first user of `startProftpd`. */
const FIRST_UID = 4001;

/** Where the mock server differs, by the lines that were said, and why. */
const DIFFERENT: Readonly<Record<string, string>> = {
  ...because(`${ITS_FAULT}: the session dies, or lists nothing`, [
    'LIST -d',
    'LIST dlink/',
    'MKD i\xff\xffd | CWD i\xff\xffd | PWD | LIST ../i*',
  ]),
  ...because(`${ITS_FAULT}: a port that there is not`, ['EPRT |1|127.0.0.1|70000|']),
  ...because(`${ITS_FAULT}: an upload that is refused makes a file`, [
    'EPSV | REST 100 | STOR new << XY | RETR new',
  ]),
  ...because(`${ITS_FAULT}: the reply is of more than one meaning`, ['HELP SITE CHMOD']),
  ...because('reading a link is what changes the time that is asked for', ['LIST -u']),
  ...because('in a DefaultRoot it is a 202: as without one here', [
    'ALLO 10',
    'ALLO 10 R 10',
    'ALLO 10 R x',
    'ALLO 0',
    'ALLO -1',
    'ALLO 99999999999999',
  ]),
  ...because('in a DefaultRoot `~` is no directory: as without one here', [
    'RETR ~',
    'LIST ~',
    'SIZE ~',
    'DELE ~',
  ]),
  ...because('the mock server has its own features and commands, and names them', [
    'FEAT',
    'HELP',
    'HELP SITE',
    'HELP STOU',
    'HELP TYPE',
    'SITE HELP',
    'CSID Name=x;',
    'CSID x=y;',
    'LANG en',
    'HOST x',
    'EPSV | REST 3 | FEAT | RETR a.txt',
    'RNFR a.txt | HELP | RNTO x',
  ]),
  ...because('nobody has a group to give files to', [
    'SITE CHGRP 4001 a.txt',
    'SITE CHGRP nosuch a.txt',
    'MFF UNIX.group=4001; a.txt',
  ]),
  ...because('no set-uid, set-gid or sticky bit: on disk the files belong to whoever runs the mock server', [
    'SITE CHMOD 1777 sub | LIST -d sub',
    'SITE CHMOD 4755 a.txt | LIST a.txt',
    'SITE CHMOD 77777 a.txt',
    'SITE CHMOD u+s a.txt',
    'SITE CHMOD o+t sub',
  ]),
  ...because('offsets end where JavaScript counts exactly, at 2 to the 53rd', [
    'REST 99999999999999999999999',
    'REST 9223372036854775807',
    'REST 9007199254740993',
  ]),
  ...because('a NUL ends no name quietly, and what drives a terminal is spelled out', [
    'RETR ctl\x1bx',
    'MLST ctl\x1bx',
    'LIST ctl\x1bx',
    'RETR new\0line',
    'MKD n\0l',
    'RETR del\x7f',
    'MKD \xe9\x1b',
    'SIZE c1\xc2\x9bx',
  ]),
  ...because('RFC 959 §4.1.1 has REIN, and §5.4 its 220', ['REIN']),
  ...because('a backslash takes a character as it is', ['LIST \\*star']),
  ...because('any password will do, and any user', [
    'USER dave | USER alice | PASS secret | PWD',
    'USER dave | PASS wrong',
  ]),
};

/** The same without a `DefaultRoot`. */
const DIFFERENT_HOME: Readonly<Record<string, string>> = {
  ...because('users are not known by name', ['LIST ~dave', 'NLST ~dave', 'SIZE ~dave/a.txt']),
  ...because('an absolute link means --root', ['NLST ~']),
  ...because('the root is there for ever, whoever asks', ['RMD ~']),
};

function because(why: string, asked: readonly string[]): Record<string, string> {
  return Object.fromEntries(asked.map((lines) => [lines, why]));
}

type Both = readonly [FtpScript, FtpScript];

/** Sessions that are opened together. */
const CONNECTED = 40;

/** The two servers, each with a directory of its own. */
class Pair {
  readonly real: RealProftpd;
  readonly #mock: MockFtpServer;
  readonly #mockRoot: string;
  readonly #ports: readonly [number, number];
  readonly #waiting: Both[] = [];
  readonly #used: Both[] = [];
  #kept: Both | undefined;

  private constructor(
    real: RealProftpd,
    realPort: number,
    mock: MockFtpServer,
    mockPort: number,
    root: string,
  ) {
    this.real = real;
    this.#mock = mock;
    this.#mockRoot = root;
    this.#ports = [realPort, mockPort];
  }

  /** @param rooted ProFTPD's `DefaultRoot ~`: its users see their homes as `/`, as everybody does in the mock server */
  static async start(rooted: boolean): Promise<Pair> {
    const directives = ['AllowStoreRestart on', ...(rooted ? ['DefaultRoot ~'] : [])];
    const real = await startProftpd({users: ['dave'], directives});
    const root = await mkdtemp('/tmp/ftpdctl-pair-');
    const tree = await DiskTree.open(root);
    const mock = new MockFtpServer({
      servers: [{...LAB, name: 'tests'}],
      classOf: () => null,
      tree,
      mailbox: noMailbox,
    });
    const [listening] = await mock.listen();
    return new Pair(real, real.port, mock, listening!.port, root);
  }

  get home(): string {
    return join(this.real.directory, 'home', 'dave');
  }

  build(odd: boolean): void {
    for (const root of [this.home, this.#mockRoot]) buildTree(root, FIRST_UID, odd);
  }

  /** A session with each that has said nothing yet, or has logged in. */
  async open(login: boolean): Promise<Both> {
    if (this.#waiting.length === 0) await this.#connect();
    const both = this.#waiting.pop()!;
    this.#used.push(both);
    if (login) await Promise.all(both.map((script) => script.run(['USER dave', 'PASS secret', 'TYPE I'])));
    return both;
  }

  /** Many at once: after a session has ended the daemon takes 0.4 s to accept the next. */
  async #connect(): Promise<void> {
    for (let count = 0; count < CONNECTED; count++) {
      const [real, mock] = this.#ports;
      this.#waiting.push([await FtpScript.connect(real), await FtpScript.connect(mock)]);
    }
    for (const script of this.#used.splice(0).flat()) script.close();
  }

  /** What each said to these lines. */
  async ask(both: Both, lines: readonly string[]): Promise<[string[], string[]]> {
    const [real, mock] = await Promise.all(both.map((script) => script.run(lines)));
    return [real!.flatMap(comparable), mock!.flatMap(comparable)];
  }

  async askAnew(
    lines: readonly string[],
    {odd = false, login = true}: {odd?: boolean; login?: boolean} = {},
  ): Promise<[string[], string[]]> {
    this.build(odd);
    return this.ask(await this.open(login), lines);
  }

  /** The same in a session that has asked before; in a new one when the last has ended. */
  async askOnly(line: string): Promise<[string[], string[]]> {
    if (this.#kept === undefined || this.#kept.some(({ended}) => ended)) {
      this.build(false);
      this.#kept = await this.open(true);
    }
    return this.ask(this.#kept, [line]);
  }

  async stop(): Promise<void> {
    for (const script of [...this.#waiting, ...this.#used].flat()) script.close();
    await Promise.all([this.real.stop(), this.#mock.close()]);
    for (const left of [this.#mockRoot, `${this.#mockRoot}.fifo`])
      await rm(left, {recursive: true, force: true});
  }
}

/** They say the same, or the difference is one that is listed. */
function compare(lines: readonly string[], [real, mock]: [string[], string[]], different = DIFFERENT): void {
  if (lines.join(' | ') in different) expect(mock).not.toEqual(real);
  else expect(mock).toEqual(real);
}

const cases = (scripts: readonly (readonly string[])[]): [string, readonly string[]][] =>
  scripts.map((lines) => [lines.join(' | '), lines]);

describeWithPeer(whyNoProftpd(), 'the mock server answers as a ProFTPD', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await Pair.start(true);
  });
  afterAll(() => pair?.stop());

  test.each(READS)('%s', async (line) => {
    compare([line], await pair.askOnly(line));
  });

  test.each(cases(SCRIPTS))('%s', async (_name, lines) => {
    compare(lines, await pair.askAnew(lines));
  });

  test.each(cases(ODD_NAMES))('%s', async (_name, lines) => {
    compare(lines, await pair.askAnew(lines, {odd: true}));
  });

  test.each(cases(BEFORE_LOGIN))('without a login: %s', async (_name, lines) => {
    compare(lines, await pair.askAnew(lines, {login: false}));
  });
});

describeWithPeer(whyNoProftpd(), 'the mock server knows a home as a ProFTPD without DefaultRoot', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await Pair.start(false);
  });
  afterAll(() => pair?.stop());

  /** Its home is somewhere in the file system, ours is all there is. */
  const homeless = (text: string): string => text.replaceAll(`${pair.home}/`, '/').replaceAll(pair.home, '/');

  test.each(cases(HOME))('%s', async (_name, lines) => {
    const [real, mock] = await pair.askAnew(lines);
    compare(lines, [real.map(homeless), mock], DIFFERENT_HOME);
  });
});

describe('what differs', () => {
  test('is among what is asked', () => {
    const joined = (scripts: readonly (readonly string[])[]): string[] =>
      scripts.map((lines) => lines.join(' | '));
    const asked = [...READS, ...[SCRIPTS, ODD_NAMES, BEFORE_LOGIN].flatMap(joined)];
    expect(Object.keys(DIFFERENT).filter((lines) => !asked.includes(lines))).toEqual([]);
    expect(Object.keys(DIFFERENT_HOME).filter((lines) => !joined(HOME).includes(lines))).toEqual([]);
  });
});
