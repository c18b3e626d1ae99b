/** Where distributions put `proftpd.conf`: Debian and others, Red Hat, FreeBSD, from source. */
export const CONFIGURATION_FILES: readonly string[] = [
  '/etc/proftpd/proftpd.conf',
  '/etc/proftpd.conf',
  '/usr/local/etc/proftpd.conf',
  '/usr/local/etc/proftpd/proftpd.conf',
];
