import {OPEN_ACTION} from '../../acl/evaluate.ts';
import {success, WRONG_NUMBER} from '../controlResult.ts';
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
