/**
 * The control actions of ProFTPD's own modules (`lsctrl` of 1.3.8 and 1.3.10, and the modules' documentation), each
 * with the directive that says who may run it; and `receipt` of `ftpdctl serve`. `help` and `receipt` need nobody's leave.
 */
export const KNOWN_ACTIONS: ReadonlyMap<string, string | null> = new Map([
  ['ban', 'BanControlsACLs'],
  ['config', 'AdminControlsACLs'],
  ['debug', 'AdminControlsACLs'],
  ['delay', 'DelayControlsACLs'],
  ['dns', 'AdminControlsACLs'],
  ['down', 'AdminControlsACLs'],
  ['dynmasq', 'DynMasqControlsACLs'],
  ['get', 'AdminControlsACLs'],
  ['help', null],
  ['insctrl', 'ControlsACLs'],
  ['insmod', 'ModuleControlsACLs'],
  ['kick', 'AdminControlsACLs'],
  ['lsctrl', 'ControlsACLs'],
  ['lsmod', 'ModuleControlsACLs'],
  ['msg', 'MessageControlsACLs'],
  ['permit', 'BanControlsACLs'],
  ['receipt', null],
  ['restart', 'AdminControlsACLs'],
  ['rmctrl', 'ControlsACLs'],
  ['rmmod', 'ModuleControlsACLs'],
  ['scoreboard', 'AdminControlsACLs'],
  ['shaper', 'ShaperControlsACLs'],
  ['shutdown', 'AdminControlsACLs'],
  ['statcache', 'StatCacheControlsACLs'],
  ['status', 'AdminControlsACLs'],
  ['tls', 'TLSControlsACLs'],
  ['trace', 'AdminControlsACLs'],
  ['up', 'AdminControlsACLs'],
]);
