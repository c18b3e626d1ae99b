import {Ajv} from 'ajv';
import {DETAILS_SCHEMAS} from '../protocol/details.ts';

/*
 * In the program that is built, the code that ajv makes of the schemas stands in place of this file: to load ajv and
 * compile them takes longer than the whole rest of a start.
 */
const ajv = new Ajv();

export const who = ajv.compile(DETAILS_SCHEMAS.who);
export const status = ajv.compile(DETAILS_SCHEMAS.status);
export const kick = ajv.compile(DETAILS_SCHEMAS.kick);
export const msg = ajv.compile(DETAILS_SCHEMAS.msg);
export const receipt = ajv.compile(DETAILS_SCHEMAS.receipt);
export const aclCheck = ajv.compile(DETAILS_SCHEMAS.aclCheck);
export const aclList = ajv.compile(DETAILS_SCHEMAS.aclList);
