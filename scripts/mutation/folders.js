/**
 * Per folder, or file, of `src/lib`: the share of its mutants that its tests must kill, in percent, and how many of them are run.
 * `ignoreStatic` leaves out what runs once, when a module is loaded: each such mutant costs all tests of the folder.
 */
export const FOLDERS = {
  protocol: {goal: 95, share: 0.5},
  acl: {goal: 95, share: 1},
  audience: {goal: 95, share: 1},
  reply: {goal: 95, share: 1},
  'fleet/clients': {goal: 85, share: 0.5},
  'fleet/hosts': {goal: 85, share: 0.5},
  config: {goal: 95, share: 0.25},
  client: {goal: 85, share: 0.5},
  diagnosis: {goal: 95, share: 0.2},
  session: {goal: 85, share: 0.12, ignoreStatic: true},
  server: {goal: 85, share: 0.08, ignoreStatic: true},
  ftp: {goal: 85, share: 0.05, ignoreStatic: true},
};
