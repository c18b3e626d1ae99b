import {type ChildProcess, execFileSync, spawn} from 'node:child_process';
import {chmodSync, existsSync, mkdtempSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {type ProftpdOptions, whyNoProftpd} from './proftpd.ts';

const NEEDED = ['/usr/lib/proftpd/mod_sftp.so', '/usr/bin/sftp', '/usr/bin/ssh-keygen'];

/** Why no ProFTPD speaks SFTP with a client here, or `null`. */
export function whyNoSftp(): string | null {
  return whyNoProftpd() ?? NEEDED.find((file) => !existsSync(file))?.concat(' is missing') ?? null;
}

/** A directory with a host key, a user's key, and who is let in by that. */
export function makeSshKeys(): string {
  const keys = mkdtempSync('/tmp/keys-');
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-m', 'PEM', '-N', '', '-f', join(keys, name)]);
  const authorized = execFileSync('ssh-keygen', ['-e', '-m', 'RFC4716', '-f', join(keys, 'user.pub')]);
  writeFileSync(join(keys, 'authorized'), authorized);
  chmodSync(keys, 0o755);
  return keys;
}

/** A virtual host that speaks SFTP. */
export function sftpOptions(keys: string): Pick<ProftpdOptions, 'modules' | 'virtualHosts'> {
  const directives = [
    'SFTPEngine on',
    `SFTPHostKey ${keys}/host`,
    `SFTPAuthorizedUserKeys file:${keys}/authorized`,
    'SFTPAuthMethods publickey',
  ];
  return {modules: ['mod_sftp.c'], virtualHosts: [{directives}]};
}

/** OpenSSH's client, as dave. */
export function spawnSftp(keys: string, port: number): ChildProcess {
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'IdentitiesOnly=yes',
    'LogLevel=ERROR',
  ];
  const args = ['-F', '/dev/null', '-i', join(keys, 'user'), '-P', String(port)];
  const words = [...args, ...options.flatMap((option) => ['-o', option]), 'dave@127.0.0.1'];
  return spawn('sftp', words, {stdio: ['pipe', 'pipe', 'inherit']});
}
