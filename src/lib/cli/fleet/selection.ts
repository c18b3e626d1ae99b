import {loadGroups, readHostsFile, selectionIn} from '../../fleet/groups.ts';
import {foldHosts, type Groups, type Host, parseHosts, withoutHosts} from '../../fleet/hosts.ts';
import type {FleetOptions, GlobalOptions} from '../options/flags.ts';
import {UsageError} from '../options/usageError.ts';
import {printable, printJson} from '../output/output.ts';
import {table} from '../output/sessionTable.ts';

/** Whether the options name other machines. */
function isFleet({hosts, 'hosts-file': file}: Pick<FleetOptions, 'hosts' | 'hosts-file'>): boolean {
  return hosts !== undefined || file !== undefined;
}

/**
 * The hosts that the options mean.
 * @throws HostsError; UsageError where they mean nobody
 */
export async function selectHosts(options: FleetOptions, env: NodeJS.ProcessEnv): Promise<Host[]> {
  const {hosts = '', exclude = '', 'hosts-file': file} = options;
  const listed = file === undefined ? '' : selectionIn(await readHostsFile(file));
  const groups: Groups = /@/.test(`${hosts} ${listed} ${exclude}`) ? loadGroups(env) : new Map();
  const selected = withoutHosts(parseHosts(`${hosts} ${listed}`, groups), parseHosts(exclude, groups));
  if (selected.length > 0) return selected;
  throw new UsageError(
    exclude === '' ? 'no host is named' : 'no host is left',
    'for example -H ftp[01-40], or -H @GROUP; "ftpdctl -H HOSTS hosts" lists what a selection means',
  );
}

/** Print the hosts that the options mean, one a line; without any, the groups. @throws HostsError */
export async function listHosts(
  options: FleetOptions & GlobalOptions,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const {json, quiet} = options;
  if (isFleet(options)) {
    const hosts = (await selectHosts(options, env)).map(({name}) => name);
    if (json) printJson({hosts, folded: foldHosts(hosts), exitStatus: 0});
    else if (!quiet) process.stdout.write(hosts.map((name) => `${printable(name)}\n`).join(''));
    return;
  }
  const groups = loadGroups(env);
  const rows = [...groups.keys()].map((name) => {
    const hosts = parseHosts(`@${name}`, groups).map((host) => host.name);
    return {name, hosts};
  });
  if (json)
    printJson({groups: Object.fromEntries(rows.map(({name, hosts}) => [name, hosts])), exitStatus: 0});
  else if (!quiet) process.stdout.write(rows.length === 0 ? 'no groups\n' : groupTable(rows));
}

function groupTable(rows: readonly {readonly name: string; readonly hosts: readonly string[]}[]): string {
  return table(
    ['GROUP', 'COUNT', 'HOSTS'],
    rows.map(({name, hosts}) => [`@${name}`, String(hosts.length), foldHosts(hosts)]),
  );
}

/** For completion: whatever is wrong, there are none. */
export function groupNames(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    return [...loadGroups(env).keys()];
  } catch {
    return [];
  }
}
