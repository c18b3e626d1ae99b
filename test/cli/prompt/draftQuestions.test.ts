import {describe, expect, test} from 'vitest';
import {among, freely} from '../../../src/lib/cli/prompt/draftQuestions.ts';

const values = (choices: readonly {value: string}[]) => choices.map(({value}) => value);

describe('among the names of live sessions', () => {
  const find = among(['Dave', 'mad hatter', 'madeleine'].map((name) => ({value: name, name})));
  test.each([
    ['', ['Dave', 'mad hatter', 'madeleine']],
    ['mad', ['mad hatter', 'madeleine', 'mad']],
    ['dave', ['Dave', 'dave']],
    ['Dave', ['Dave']],
    ['nobody', ['nobody']],
  ])('%j finds %j: what is typed itself comes last', (typed, found) => {
    expect(values(find(typed))).toEqual(found);
  });
});

describe('freely, with what was used lately', () => {
  const find = freely(['dave', 'alice', 'david']);
  test.each([
    ['', ['dave', 'alice', 'david']],
    ['da', ['da', 'dave', 'david']],
    ['dave', ['dave']],
    ['zoe', ['zoe']],
  ])('%j finds %j: what is typed itself comes first', (typed, found) => {
    expect(values(find(typed))).toEqual(found);
  });

  test('no name drives the terminal', () => {
    expect(freely(['\u001b[2J'])('')[0]).toMatchObject({value: '\u001b[2J', name: '\\x1b[2J'});
  });
});
