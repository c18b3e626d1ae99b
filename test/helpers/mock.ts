import {onTestFinished} from 'vitest';
import type {MockOptions} from '../../src/lib/ftp/options.ts';
import {MockFtpServer} from '../../src/lib/ftp/server.ts';
import {MemoryTree} from '../../src/lib/ftp/tree/memoryTree.ts';
import {FakeMailbox} from './fakeMailbox.ts';
import {FtpSession} from './ftpSession.ts';

export const LAB = {address: '127.0.0.1', port: 0, name: 'lab', engine: true} as const;

export interface Mock {
  readonly server: MockFtpServer;
  readonly mailbox: FakeMailbox;
  readonly port: number;
  connect(options?: {host?: string; localAddress?: string}): Promise<FtpSession>;
  /** Connected, and logged in as dave. */
  login(): Promise<FtpSession>;
}

/** A mock server on a free port, closed at the end of the test. */
export async function startMock(options: Partial<MockOptions> = {}): Promise<Mock> {
  const mailbox = new FakeMailbox();
  const server = new MockFtpServer({
    servers: [LAB],
    classOf: () => null,
    tree: MemoryTree.sample(),
    mailbox,
    ...options,
  });
  const [first] = await server.listen();
  const {port} = first!;
  onTestFinished(() => server.close());
  const connect: Mock['connect'] = async (how) => {
    const session = await FtpSession.connect(port, how);
    onTestFinished(() => session.close());
    return session;
  };
  const login = async (): Promise<FtpSession> => {
    const session = await connect();
    await session.login('dave');
    return session;
  };
  return {server, mailbox, port, connect, login};
}
