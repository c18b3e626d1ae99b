import fc from 'fast-check';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {explain} from '../../src/lib/acl/explain.ts';
import {resolveAcls} from '../../src/lib/acl/resolve.ts';
import {quoteWord} from '../../src/lib/config/lexer.ts';
import {loadSettings} from '../../src/lib/config/load.ts';
import {systemConfigSource} from '../../src/lib/transport/files/configSource.ts';
import {nameService} from '../../src/lib/transport/nameService.ts';
import {installedVersion} from '../../src/lib/transport/processes/proftpdProgram.ts';
import {describeWithPeer} from '../helpers/peers.ts';
import {type RealProftpd, runStockFtpdctl, startProftpd, whyNoProftpd} from '../helpers/proftpd.ts';

/** Each is a daemon of its own, since a denied request may touch the next one's verdict in the same poll. */
const CONFIGURATIONS = 8;
const SEED = 20261124;

const CALLERS = {root: 0, daemon: 1, nobody: 65534} as const;

/** What is sent: an action whose ACL decides before anything else, and does no harm when it is allowed. */
const PROBES = [
  ['MessageControlsACLs', 'msg', ['msg', 'nosuch', 'x']],
  ['ControlsACLs', 'lsctrl', ['lsctrl']],
  ['ModuleControlsACLs', 'lsmod', ['lsmod']],
] as const;

const name = fc.constantFrom(
  'root',
  'daemon',
  'nobody',
  'nogroup',
  'nosuch',
  '*',
  '"root"',
  '"daemon',
  'Root',
  '0',
  '!root',
  '',
);
const list = fc
  .array(fc.tuple(name, fc.constantFrom(',', ' ', ', ', ' ,', ',,')), {minLength: 1, maxLength: 3})
  .map((items) => items.flat().slice(0, -1).join(''));
const rule = fc
  .tuple(fc.constantFrom('allow', 'deny'), fc.constantFrom('user', 'group'), list)
  .map(([effect, kind, names]) => `${effect} ${kind} ${quoteWord(names)}`);
const rules = (directive: string, least: number, most: number) =>
  fc.array(rule, {minLength: least, maxLength: most}).map((all) => all.map((each) => `${directive} ${each}`));
const configuration = fc
  .tuple(rules('ControlsSocketACL', 0, 1), ...PROBES.map(([directive]) => rules(`${directive} all`, 1, 2)))
  .map((lines) => lines.flat());

describeWithPeer(whyNoProftpd(), 'verdicts on random ACLs are those of the installed ProFTPD', () => {
  const configurations = fc.sample(configuration, {seed: SEED, numRuns: CONFIGURATIONS});
  let daemons: readonly RealProftpd[] = [];
  beforeAll(async () => {
    daemons = await Promise.all(configurations.map((acls) => startProftpd({acls})));
  });
  afterAll(async () => {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
  });

  test('every caller, every directive', async () => {
    const version = await installedVersion();
    expect(version).toBeDefined();
    const compared = await Promise.all(
      daemons.map(async (daemon, index) => {
        const {settings} = loadSettings(systemConfigSource, daemon.configFile);
        const {engine} = settings.controls;
        const control = resolveAcls(settings.acls, nameService, {engine, version});
        const found: [string, boolean | null][] = [];
        const expected: [string, boolean][] = [];
        const [, action, words] = PROBES[index % PROBES.length]!;
        for (const [user, id] of Object.entries(CALLERS)) {
          const about = `${configurations[index]!.join('; ')}: ${action} by ${user}`;
          const {stdout} = await runStockFtpdctl(daemon.socket, words, {uid: id});
          expected.push([about, !/access denied/.test(stdout)]);
          found.push([about, explain(control, action, {uid: id, gid: id}).allowed]);
        }
        return {found, expected};
      }),
    );
    const verdicts = compared.flatMap(({expected}) => expected.map(([, allowed]) => allowed));
    expect(verdicts).toHaveLength(CONFIGURATIONS * Object.keys(CALLERS).length);
    expect(new Set(verdicts)).toEqual(new Set([true, false]));
    expect(compared.flatMap(({found}) => found)).toEqual(compared.flatMap(({expected}) => expected));
  });
});
