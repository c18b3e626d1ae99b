import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {delimiter, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {freePort} from '../scripts/freePort.js';
import {ended} from './ended.js';
import {makeHome} from './home.js';
import {median, printTable} from './measure.js';
import {withDirectory} from './proftpd.js';

const HOSTS = 100;
const FANOUT = 32;
const ROUNDS = 3;
const SSHD = '/usr/sbin/sshd';
const STOCK = '/usr/bin/ftpdctl';
const program = fileURLToPath(new URL('../bin/run.js', import.meta.url));

function whyNot() {
  if (process.getuid() !== 0) return 'only root can start an sshd';
  const missing = [SSHD, STOCK].find((file) => !existsSync(file));
  if (missing !== undefined) return `${missing} is missing`;
  return ['clush', 'pdsh'].some(isInstalled) ? null : 'neither clush nor pdsh is installed';
}

function isInstalled(name) {
  return process.env.PATH.split(delimiter).some((folder) => existsSync(join(folder, name)));
}

/**
 * `msg all` on 100 names of one sshd on loopback, where ProFTPD's own client sends it to a controls socket that answers at
 * once; beside clush and pdsh, which run that same client. Interleaved. Throws unless each of them hears from every host.
 */
export async function benchFleet() {
  const why = whyNot();
  if (why !== null) return console.log(`\nfleet: not measured: ${why}`);
  await withDirectory((directory) =>
    withSshd(directory, (ssh) => withAnswers(directory, () => measure(directory, ssh))),
  );
}

async function measure(directory, {config, wrapper}) {
  const home = makeHome();
  const hosts = `h[001-${HOSTS}]`;
  const there = `${STOCK} -s ${directory}/ctrls msg all hi`;
  const cases = {
    ftpdctl: {
      args: [
        process.execPath,
        program,
        '-H',
        hosts,
        `--fanout=${FANOUT}`,
        '-s',
        `${directory}/ctrls`,
        'msg',
        'all',
        'hi',
      ],
      told: `${hosts}: message sent`,
      env: {FTPDCTL_SSH: wrapper},
    },
    ...(isInstalled('clush') && {
      clush: {
        args: ['clush', '-o', `-F ${config}`, '-f', String(FANOUT), '-b', '-w', hosts, there],
        told: `h[001-${HOSTS}] (${HOSTS})`,
      },
    }),
    ...(isInstalled('pdsh') && {
      pdsh: {
        args: ['sh', '-c', `pdsh -R ssh -f ${FANOUT} -w '${hosts}' '${there}' | dshbak -c`],
        told: `h[001-${HOSTS}]`,
        env: {PDSH_SSH_ARGS_APPEND: `-F ${config}`},
      },
    }),
  };
  const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  try {
    // The first fills the memories.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [name, {args, told, env}] of Object.entries(cases)) {
        const started = performance.now();
        const output = await run(args, {
          ...process.env,
          ...env,
          HOME: home,
          XDG_CACHE_HOME: join(home, 'cache'),
        });
        if (round > 0) times[name].push(performance.now() - started);
        if (!output.includes(told))
          throw new Error(`${name} has not heard from each of ${HOSTS} hosts:\n${output}`);
      }
    }
  } finally {
    rmSync(home, {recursive: true, force: true});
  }
  const ours = median(times.ftpdctl);
  printTable(
    `\`msg all\` on ${HOSTS} hosts (loopback), ${FANOUT} at a time, by ProFTPD's own client there: ${ROUNDS} interleaved runs, medians (goal: ftpdctl <= 1.3 times the other)`,
    ['', 'ms', 'ftpdctl takes'],
    Object.entries(times).map(([name, each]) => [
      name,
      median(each).toFixed(0),
      name === 'ftpdctl' ? '' : (ours / median(each)).toFixed(2),
    ]),
  );
}

async function run([file, ...args], env) {
  const child = spawn(file, args, {env, stdio: ['ignore', 'pipe', 'pipe']});
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text;
    });
  }
  await once(child, 'close');
  return output;
}

/** A controls socket in the dialect of 1.3.8: status 0, one line. */
async function withAnswers(directory, work) {
  const line = Buffer.from('message sent');
  const answer = Buffer.concat([Buffer.from(Uint32Array.of(0, 1, line.length).buffer), line]);
  const server = createServer((client) =>
    client.on('error', () => {}).once('data', () => client.end(answer)),
  );
  await once(server.listen(`${directory}/ctrls`), 'listening');
  try {
    return await work();
  } finally {
    server.close();
  }
}

/** An sshd of our own, which knows one key, in a mount namespace for its /run/sshd. */
async function withSshd(directory, work) {
  const at = (name) => join(directory, name);
  const port = await freePort();
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-qt', 'ed25519', '-N', '', '-f', at(name)]);
  writeFileSync(at('known_hosts'), `bench ${readFileSync(at('host.pub'), 'utf8')}`);
  const server = {
    Port: port,
    ListenAddress: '127.0.0.1',
    HostKey: at('host'),
    AuthorizedKeysFile: at('user.pub'),
    PidFile: 'none',
    StrictModes: 'no',
    UsePAM: 'no',
    PermitRootLogin: 'yes',
    MaxStartups: 1000,
  };
  const client = {
    HostName: '127.0.0.1',
    Port: port,
    User: 'root',
    HostKeyAlias: 'bench',
    UserKnownHostsFile: at('known_hosts'),
    IdentityFile: at('user'),
    IdentitiesOnly: 'yes',
  };
  const lines = (values) =>
    Object.entries(values)
      .map((pair) => `${pair.join(' ')}\n`)
      .join('');
  writeFileSync(at('sshd_config'), lines(server));
  writeFileSync(at('ssh_config'), lines(client));
  writeFileSync(at('ssh'), `#!/bin/sh\nexec ssh -F ${at('ssh_config')} "$@"\n`, {mode: 0o755});
  mkdirSync(at('run'));
  const start = `mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec ${SSHD} -D -e -f ${at('sshd_config')}`;
  const sshd = spawn('unshare', ['-m', 'sh', '-c', start], {stdio: ['ignore', 'ignore', 'pipe']});
  try {
    // It is read to its end: nobody waits until there is room for what sshd says.
    await new Promise((resolve) =>
      sshd.stderr.on('data', (text) => String(text).includes('Server listening') && resolve()),
    );
    return await work({config: at('ssh_config'), wrapper: at('ssh')});
  } finally {
    await ended(sshd);
  }
}
