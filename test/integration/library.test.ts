import {spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {CHECKOUT} from '../helpers/checkout.ts';
import type {FtpSession} from '../helpers/ftpSession.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {runProcess} from '../helpers/process.ts';
import {type RealProftpd, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';
import {cleanEnvironment} from '../helpers/program.ts';

/** Longer than the test: nothing waits for a poll. */
const NEVER = 600;

describeWithPeer(whyNoProftpd(), 'the library, as another program imports it, with a real ProFTPD', () => {
  let proftpd: RealProftpd;
  let dave: FtpSession;
  let directory: string;
  beforeAll(async () => {
    proftpd = await startProftpd({controlsInterval: NEVER, classes: {staff: ['127.0.0.3']}});
    dave = await proftpd.session('dave', {localAddress: '127.0.0.3'});
    directory = mkdtempSync('/tmp/library-');
    mkdirSync(join(directory, 'node_modules'));
    symlinkSync(CHECKOUT, join(directory, 'node_modules', 'ftpdctl'));
  });
  afterAll(async () => {
    await dave?.close();
    await proftpd?.stop();
    rmSync(directory, {recursive: true, force: true});
  });

  const run = (program: string, env: NodeJS.ProcessEnv = {PROFTPD_CONF: proftpd.configFile}) => {
    const file = join(directory, 'program.mjs');
    writeFileSync(file, program);
    return runProcess(process.execPath, [file], {env: {...cleanEnvironment(directory), ...env}});
  };

  it('does what the README shows', async () => {
    const readme = readFileSync(join(CHECKOUT, 'README.md'), 'utf8');
    const [, example] = /```ts\n(import \{connect,[^`]*)```/.exec(readme)!;
    const program = example!.replace(/socket: '[^']*'/, `socket: '${proftpd.socket}'`);
    expect(await run(program)).toEqual({status: 0, signal: null, stdout: 'dave 127.0.0.3\n', stderr: ''});
    expect((await dave.command('NOOP')).at(-1)).toBe('200 please delete some files');

    const nobody = program.replace("'dave'", "'alice'").replace("'staff'", "'nosuch'");
    expect(await run(nobody)).toMatchObject({status: 0, stdout: 'dave is not connected\n', stderr: ''});
  });

  it('follows a message until it was shown', async () => {
    const file = join(directory, 'program.mjs');
    writeFileSync(
      file,
      `import {connect} from 'ftpdctl';
      import {once} from 'node:events';
      const events = [];
      const daemon = connect({socket: '${proftpd.socket}', onEvent: (event) => events.push(event)});
      const message = {audience: ['all'], text: 'x'.repeat(400)};
      const {kind, recipients: would, sessions} = await daemon.recipients(message);
      const supported = await daemon.receipts();
      const {answer, recipients, receiptId} = await daemon.message(message);
      const before = await daemon.receipt(receiptId);
      console.log(JSON.stringify(before.waiting));
      await once(process.stdin, 'data');
      let receipt;
      do {
        receipt = await daemon.receipt(receiptId);
        await new Promise((resolve) => setTimeout(resolve, 20));
      } while (receipt.waiting.length > 0);
      const names = sessions.map(({user}) => user);
      console.log(JSON.stringify({kind, would, names, supported, answer, recipients, receipt, events}));
      process.exit();`,
    );
    const program = spawn(process.execPath, [file], {
      env: {...cleanEnvironment(directory), PROFTPD_CONF: proftpd.configFile},
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface(program.stdout)[Symbol.asyncIterator]();
    expect(JSON.parse((await lines.next()).value)).toMatchObject([{user: 'dave'}]);
    // What has been shown is looked for from here on.
    expect((await dave.command('NOOP')).at(-1)).toBe(`200 ${'x'.repeat(400)}`);
    program.stdin.write('\n');
    const told = JSON.parse((await lines.next()).value);
    expect(told).toEqual({
      kind: 'answered',
      would: 1,
      names: ['dave'],
      supported: {kind: 'supported'},
      answer: {status: 0, verdict: 0, via: 'direct', responses: ['message sent', 'taken by 1 session']},
      recipients: 1,
      receipt: expect.objectContaining({recipients: 1, taken: 1, lost: 0, waiting: []}),
      events: expect.arrayContaining([{kind: 'way', via: 'direct'}]),
    });
    expect(told.receipt.shown + told.receipt.probablyShown).toBe(1);
  });

  it('sends without a receipt where none is wanted', async () => {
    const {stdout} = await run(`
      import {connect} from 'ftpdctl';
      const daemon = connect({socket: '${proftpd.socket}'});
      const result = await daemon.message({audience: ['all'], text: 'grüße'}, {receipt: false});
      console.log(JSON.stringify(result));
    `);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      recipients: 1,
      answer: {responses: ['message sent', 'taken by 1 session']},
    });
    expect(result).not.toHaveProperty('receiptId');
    expect((await dave.command('NOOP')).at(-1)).toBe('200 grüße');
  });

  it('tells who may do what, and refuses what cannot be done', async () => {
    const {stdout, stderr} = await run(`
      import {connect, FtpdctlError, RequestRefused} from 'ftpdctl';
      const daemon = connect({socket: '${proftpd.socket}', via: 'controls', timeout: 500});
      const {kind, details} = await daemon.access({kind: 'check', action: 'msg', user: 'nobody'});
      const refusal = await daemon.message({audience: ['all'], text: 'grüße'}).catch((error) => error);
      const late = await daemon.request('lsctrl').catch((error) => error);
      console.log(JSON.stringify([
        kind,
        details.allowed,
        [refusal instanceof RequestRefused, refusal instanceof FtpdctlError, refusal.code, refusal.exitStatus],
        [late instanceof FtpdctlError, late.code, late.exitStatus],
      ]));
    `);
    expect(stderr).toBe('');
    const [kind, allowed, refusal, late] = JSON.parse(stdout);
    expect([kind, allowed]).toEqual(['access', true]);
    expect(refusal).toEqual([true, true, expect.any(String), 3]);
    expect(late).toEqual([true, 'TIMEOUT', 75]);
  });
});
