import {success, WRONG_NUMBER} from '../controlResult.ts';
import type {Action} from './action.ts';

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
