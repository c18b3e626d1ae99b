import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';

/**
 * Where native packages are installed. What a package manager may leave out, Node looks for in `~/.node_modules`, too,
 * which under `sudo` may be another user's: such a package is loaded from its folder here, never by its name.
 */
const requireHere = createRequire(import.meta.url);

/** Load what stands at an absolute path. */
export function load(file: string): unknown {
  return requireHere(file);
}

/**
 * The folder of a package.
 * @param from an absolute path of a file: where the package would be required; default: here
 */
export function installedFolder(name: string, from?: string): string | undefined {
  return foldersOf(name, from).find((folder) => existsSync(folder));
}

/** Where the package may be installed, the nearest first. */
export function foldersOf(name: string, from?: string): readonly string[] {
  const {resolve} = from === undefined ? requireHere : createRequire(from);
  return (resolve.paths(name) ?? [])
    .filter((folder) => path.basename(folder) === 'node_modules')
    .map((folder) => path.join(folder, name));
}
