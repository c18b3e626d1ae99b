/**
 * The modules an `<IfModule>` finds present without a `LoadModule`: mod_dso, which has that directive; those that
 * matter here most, and those that are part of every ProFTPD 1.3.8 (`proftpd -l`, less the ones that depend on the build). Names are compared as they
 * are, with `.c` and in this case (measured: `mod_msg` and `MOD_MSG.C` are absent).
 */
export const PRESENT_MODULES: ReadonlySet<string> = new Set([
  'mod_core.c',
  'mod_xfer.c',
  'mod_rlimit.c',
  'mod_auth_unix.c',
  'mod_auth_file.c',
  'mod_auth.c',
  'mod_ls.c',
  'mod_log.c',
  'mod_site.c',
  'mod_delay.c',
  'mod_facts.c',
  'mod_dso.c',
  'mod_ctrls.c',
  'mod_ctrls_admin.c',
  'mod_msg.c',
]);
