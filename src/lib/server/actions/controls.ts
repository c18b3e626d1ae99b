import {OPEN_ACTION} from '../../acl/evaluate.ts';
import {STATUS} from '../../protocol/message.ts';
import {failure, success, WRONG_NUMBER} from '../controlResult.ts';
import type {Action} from './action.ts';

export const help: Action = {
  name: 'help',
  module: 'mod_ctrls.c',
  description: 'describe all registered controls',
  permission: OPEN_ACTION,
  async run({args}, {controls}) {
    if (args.length > 0) return WRONG_NUMBER;
    return success(controls.enabled().map(({name, description}) => `${name}: ${description}`));
  },
};

export const lsctrl: Action = {
  name: 'lsctrl',
  module: 'mod_ctrls.c',
  description: 'list all registered controls',
  permission: 'lsctrl',
  alwaysEnabled: true,
  async run({args}, {controls}) {
    if (args.length > 0) return WRONG_NUMBER;
    return success(controls.enabled().map(({name, module}) => `${name} (${module})`));
  },
};

/**
 * `rmctrl all` closes the real daemon's socket until it is restarted (measured). Here what cannot be removed stays,
 * so that `insctrl` can bring the others back.
 */
export const rmctrl: Action = {
  name: 'rmctrl',
  module: 'mod_ctrls.c',
  description: 'disable a registered control',
  permission: 'rmctrl',
  alwaysEnabled: true,
  async run({args}, {controls}) {
    if (!takesControl(args)) return WRONG_NUMBER;
    const [name] = args;
    if (name === 'all') {
      controls.disableAll();
      return success(['all controls disabled', 'restart the daemon to re-enable controls']);
    }
    if (!controls.has(name)) return noSuchControl(name);
    if (controls.isAlwaysEnabled(name)) {
      return failure(STATUS.OPERATION_DENIED, `'${name}' control cannot be removed`);
    }
    controls.disable(name);
    return success([`'${name}' control disabled`]);
  },
};

/** A control, and optionally a module, which is ignored (measured). */
function takesControl(args: readonly string[]): args is readonly [string, ...string[]] {
  return args.length === 1 || args.length === 2;
}

/** 1.3.8 says it with status 0 (measured). */
function noSuchControl(name: string) {
  return failure(STATUS.SUBJECT_NOT_FOUND, `no such control: '${name}'`, STATUS.OK);
}

export const insctrl: Action = {
  name: 'insctrl',
  module: 'mod_ctrls.c',
  description: 'enable a disabled control',
  permission: 'insctrl',
  alwaysEnabled: true,
  async run({args}, {controls}) {
    if (!takesControl(args)) return WRONG_NUMBER;
    const [name] = args;
    if (name === 'all') controls.enableAll();
    else if (controls.has(name)) controls.enable(name);
    else return noSuchControl(name);
    return success([`'${name}' control enabled`]);
  },
};
