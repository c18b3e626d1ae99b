import type {ConfigSource} from '../../src/lib/config/source.ts';

/** Files by absolute path; a directory is there as soon as a file is in it, or by a path that ends in a slash. */
export function memorySource(
  files: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): ConfigSource {
  const paths = Object.keys(files);
  return {
    kind(path) {
      if (Object.hasOwn(files, path) && !path.endsWith('/')) return 'file';
      const directory = path.endsWith('/') ? path : `${path}/`;
      return paths.some((each) => each.startsWith(directory)) ? 'directory' : 'missing';
    },
    read(path) {
      if (files[path] === undefined) throw new Error('no such file or directory');
      return files[path];
    },
    list(path) {
      const directory = path.endsWith('/') ? path : `${path}/`;
      const inside = paths
        .filter((each) => each.startsWith(directory))
        .map((each) => each.slice(directory.length));
      if (inside.length === 0) throw new Error('not a directory');
      return [...new Set(inside.map((each) => each.split('/')[0]!))].filter((name) => name !== '');
    },
    env: (name) => environment[name],
  };
}
