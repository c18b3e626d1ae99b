import {success, WRONG_NUMBER} from '../controlResult.ts';
import type {Action} from './action.ts';
import {noSuchControl, takesControl} from './rmctrl.ts';

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
