import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {freePort} from '../scripts/freePort.js';
import {ended} from './ended.js';

const PROFTPD = '/usr/sbin/proftpd';

/** Why nothing is measured with a real ProFTPD here; `null` where it can be. */
export function whyNoProftpd() {
  const isInstalled =
    existsSync(PROFTPD) &&
    existsSync('/usr/lib/proftpd/mod_msg.so') &&
    spawnSync(PROFTPD, ['-v']).status === 0;
  return isInstalled && process.getuid() === 0 ? null : 'no ProFTPD with mod_msg here, or not root';
}

/** A real ProFTPD of our own, at its default `ControlsInterval 10`, until the work is done. */
export async function withProftpd(work) {
  return withDirectory(async (directory) => {
    const port = await freePort();
    writeFileSync(join(directory, 'queue'), '');
    const lines = [
      'ModulePath /usr/lib/proftpd',
      'LoadModule mod_ctrls_admin.c',
      'LoadModule mod_msg.c',
      'User nobody',
      'Group nogroup',
      'MaxInstances none',
      'UseReverseDNS off',
      'WtmpLog off',
      'TransferLog none',
      'SocketBindTight on',
      `PidFile ${directory}/pid`,
      `ScoreboardFile ${directory}/scoreboard`,
      ...commonLines(directory, port),
      '',
    ];
    writeFileSync(join(directory, 'conf'), lines.join('\n'));
    const daemon = spawn(PROFTPD, ['-n', '-c', join(directory, 'conf')], {stdio: 'ignore'});
    try {
      while (!existsSync(join(directory, 'ctrls')) || !isListening(port)) await sleep(20);
      return await work({directory, port, pid: daemon.pid});
    } finally {
      await ended(daemon);
    }
  });
}

/** Asks the kernel, since a connection would start a session. */
function isListening(port) {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return new RegExp(` \\w+:${hex} \\S+ 0A `).test(readFileSync('/proc/net/tcp', 'utf8'));
}

/** What ProFTPD and `ftpdctl serve` are configured with alike. */
export function commonLines(directory, port) {
  return [
    `Port ${port}`,
    'DefaultAddress 127.0.0.1',
    'ControlsEngine on',
    `ControlsSocket ${directory}/ctrls`,
    'MessageEngine on',
    `MessageQueue ${directory}/queue`,
    'MessageControlsACLs all allow user *',
  ];
}

export async function withDirectory(work) {
  const directory = mkdtempSync('/tmp/ftpdctl-bench-');
  try {
    return await work(directory);
  } finally {
    rmSync(directory, {recursive: true, force: true});
  }
}

/** A connection of FTP after the greeting, and all that has come over it. */
export async function openSession(port) {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8').setNoDelay();
  const session = {
    socket,
    got: '',
    /** Resolves when something has come in answer, perhaps not all of it. */
    async noop() {
      const {length} = session.got;
      socket.write('NOOP\r\n');
      while (session.got.length === length) await once(socket, 'data');
    },
  };
  socket
    .on('error', () => {})
    .on('data', (text) => {
      session.got += text;
    });
  await once(socket, 'data');
  return session;
}
