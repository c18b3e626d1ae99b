import {LOADERS} from './commands.ts';

/** The commands' classes, as oclif's manifest and help read them. */
export const COMMANDS = Object.fromEntries(
  await Promise.all(Object.entries(LOADERS).map(async ([id, load]) => [id, (await load()).default])),
);
