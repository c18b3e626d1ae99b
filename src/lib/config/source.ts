/** The files and the environment a configuration is read from. Paths are absolute. */
export interface ConfigSource {
  /** What stands at a path, symbolic links followed. */
  kind(path: string): 'file' | 'directory' | 'missing';
  /** The text of a file. Throws an Error that says why it cannot be read, or that it is too large. */
  read(path: string): string;
  /** The names in a directory, those with a leading dot too. Throws an Error that says why it cannot be read. */
  list(directory: string): readonly string[];
  /** A variable of the environment. */
  env(name: string): string | undefined;
}
