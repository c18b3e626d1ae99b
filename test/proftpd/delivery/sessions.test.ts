import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {connect as connectTo} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {connect as connectTls} from 'node:tls';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {deliver} from '../../../src/lib/proftpd/delivery/deliver.ts';
import {DeliveryQueue} from '../../../src/lib/proftpd/delivery/deliveryQueue.ts';
import {Receipts} from '../../../src/lib/proftpd/delivery/receipts.ts';
import {sessionsOf} from '../../../src/lib/proftpd/sessions/list.ts';
import type {ScoreboardSession} from '../../../src/lib/scoreboard/scoreboard.ts';
import {PASSWORD} from '../../helpers/ftpSession.ts';
import {describeWithPeer} from '../../helpers/peers.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../../helpers/proftpd.ts';
import {sessionSource} from '../../helpers/sessionSource.ts';

const MOD_TLS = '/usr/lib/proftpd/mod_tls.so';
const missing =
  whyNoProftpd() ?? (existsSync(MOD_TLS) ? null : `${MOD_TLS} is missing (Debian: proftpd-mod-crypto)`);

describeWithPeer(missing, 'delivery to sessions of a ProFTPD with TLS and a chroot', () => {
  let keys: string;
  let proftpd: RealProftpd;
  let queue: DeliveryQueue;
  beforeAll(async () => {
    keys = mkdtempSync('/tmp/keys-');
    const [key, certificate] = [join(keys, 'key.pem'), join(keys, 'certificate.pem')];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=tests', '-days', '2'];
    execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], {stdio: 'ignore'});
    proftpd = await startProftpd({
      modules: ['mod_tls.c'],
      directives: [
        ...['DefaultRoot ~', 'TLSEngine on', 'TLSOptions NoSessionReuseRequired'],
        ...[`TLSRSACertificateFile ${certificate}`, `TLSRSACertificateKeyFile ${key}`],
      ],
    });
    queue = DeliveryQueue.open(proftpd.queueKey, proftpd.pid)!;
  });
  afterAll(async () => {
    queue?.close();
    await proftpd?.stop();
    rmSync(keys, {recursive: true, force: true});
  });

  const slots = () => sessionsOf(sessionSource(proftpd));
  async function theSession(): Promise<ScoreboardSession> {
    for (;;) {
      const [session, ...others] = slots();
      if (session?.protocol && session.command === 'idle' && others.length === 0) return session;
      await sleep(10);
    }
  }

  it('in a chroot', async () => {
    const client = await proftpd.session('dave');
    expect(await client.command('PWD')).toEqual(['257 "/" is the current directory']);
    const [delivery] = await deliver(proftpd.pid, queue, ['confined'], [await theSession()], {
      audit: () => {},
    });
    expect(delivery!.outcome).toEqual({kind: 'taken'});
    expect((await client.command('NOOP')).at(-1)).toBe('200 confined');
    await client.close();
    while (slots().length > 0) await sleep(10);
  });

  it('over TLS, and it is seen to be shown', async () => {
    const client = await tlsClient(proftpd.port);
    const session = await theSession();
    expect(session.protocol).toBe('ftps');
    const text = `Gr\u00fc\u00dfe ${'x'.repeat(600)}`;
    const receipts = new Receipts<ScoreboardSession>([text], () => undefined);
    const [delivery] = await deliver(proftpd.pid, queue, [text], [session], {
      audit: () => {},
      onTaken: (taken) => receipts.add(taken),
    });
    expect(delivery!.outcome).toEqual({kind: 'taken'});
    await client.command('PASV');
    expect(receipts.poll()).toEqual([]);
    expect(await client.command('NOOP')).toBe(`200-NOOP command successful\r\n200 ${text}\r\n`);
    const states = [];
    for await (const {state} of receipts.changes({timeoutMs: 5000})) states.push(state);
    expect(states).toEqual(['shown']);
    client.end();
    while (slots().length > 0) await sleep(10);
  });

  it('that wait for a data connection, once they have waited', async () => {
    const client = await proftpd.session('dave');
    const session = await theSession();
    await client.command('PASV');
    // There is no reply before its data connection.
    client.command('LIST').catch(() => {});
    while (slots()[0]!.command !== 'LIST') await sleep(5);
    const [delivery] = await deliver(proftpd.pid, queue, ['patience'], [session], {audit: () => {}});
    expect(delivery!.outcome).toEqual({kind: 'taken'});
    await client.close();
  });
});

/** A client that speaks TLS after AUTH, logged in as dave. */
async function tlsClient(port: number) {
  const plain = connectTo(port, '127.0.0.1');
  await once(plain, 'data');
  plain.write('AUTH TLS\r\n');
  await once(plain, 'data');
  const socket = connectTls({socket: plain, rejectUnauthorized: false});
  await once(socket, 'secureConnect');
  const command = async (line: string) => {
    socket.write(`${line}\r\n`);
    let reply = '';
    while (!/^\d{3} .*\r\n$/m.test(reply)) reply += String((await once(socket, 'data'))[0]);
    return reply;
  };
  await command('USER dave');
  await command(`PASS ${PASSWORD}`);
  return {command, end: () => socket.destroy()};
}
