import {describe, expect, it} from 'vitest';
import {MAX_NAME_LENGTH, MAX_RANGES, MAX_TEXT_BYTES} from '../../src/lib/session/limits.ts';
import {decodeToMailbox, decodeToServer, pack} from '../../src/lib/session/schema.ts';
import {MAX_DATAGRAM_BYTES} from '../../src/lib/transport/sockets/datagram.ts';
import {identity} from './support.ts';

const from = '42.0123456789ab';
const record = {...identity(), n: 1, since: 0, idle: 0};

function json(datagram: unknown): Buffer {
  return Buffer.from(JSON.stringify(datagram));
}

const origin = {recipients: 3, sender: 1000};

describe('what a mailbox may say', () => {
  it.each([
    ['hello', [record]],
    ['hello', [{...record, user: null, class: null}]],
    ['receipts', [{id: 'a-1', state: 'taken', to: [1, 1], ...origin}]],
    ['receipts', [{id: 'a-1', state: 'shown', to: [1, 9, 11, 11], ...origin}]],
    ['receipts', [{id: 'a-1', state: 'recorded', to: [1, 1], ...origin}]],
    ['active', [1, 1]],
    ['goodbye', [1, 2 ** 40]],
  ])('%s %j', (type, items) => {
    expect(decodeToServer(json({type, from, seq: 1, items}))).toEqual({
      kind: 'datagram',
      datagram: {type, from, seq: 1, items},
    });
  });

  it.each([
    ['nothing', Buffer.alloc(0), /not JSON/],
    ['no JSON', Buffer.from('{"type":"hello"'), /not JSON/],
    ['no text', Buffer.from([0xff, 0xfe, 0x00]), /not JSON/],
    ['nesting', Buffer.from('['.repeat(50_000)), /not JSON/],
    ['a string', json('hello'), /must be object/],
    ['null', json(null), /must be object/],
    ['no type', json({from, items: [record]}), /type/],
    ['an unknown type', json({type: 'deliver', from, items: []}), /type/],
    ['a type of another type', json({type: ['hello'], from, items: [record]}), /type/],
    ['nobody', json({type: 'hello', seq: 1, items: [record]}), /from/],
    ['a way out', json({type: 'hello', seq: 1, from: '42.0123456789ab/../x', items: [record]}), /from/],
    ['no sessions', json({type: 'hello', from, seq: 1, items: []}), /items/],
    [
      'a session without engine',
      json({type: 'hello', from, seq: 1, items: [{...record, engine: undefined}]}),
      /engine/,
    ],
    ['a number as a name', json({type: 'hello', from, seq: 1, items: [{...record, user: 7}]}), /user/],
    [
      'a long name',
      json({type: 'hello', from, seq: 1, items: [{...record, host: 'x'.repeat(1025)}]}),
      /host/,
    ],
    ['a broken number', json({type: 'hello', from, seq: 1, items: [{...record, n: 1.5}]}), /\/n/],
    ['a negative number', json({type: 'active', from, seq: 1, items: [-1, 1]}), /items/],
    [
      'another state',
      json({type: 'receipts', from, seq: 1, items: [{id: 'a', state: 'lost', to: [1, 1], ...origin}]}),
      /state/,
    ],
    [
      'an empty list',
      json({type: 'receipts', from, seq: 1, items: [{id: 'a', state: 'taken', to: [], ...origin}]}),
      /to/,
    ],
    ['a long list', json({type: 'goodbye', from, seq: 1, items: Array(2 * MAX_RANGES + 2).fill(1)}), /items/],
    ['no number', json({type: 'hello', from, items: [record]}), /seq/],
    [
      'no origin',
      json({type: 'receipts', from, seq: 1, items: [{id: 'a', state: 'taken', to: [1, 1]}]}),
      /recipients/,
    ],
    ['too much', Buffer.alloc(MAX_DATAGRAM_BYTES + 1, ' '), /too large/],
  ])('not %s', (_, bytes, reason) => {
    expect(decodeToServer(bytes)).toEqual({kind: 'invalid', reason: expect.stringMatching(reason)});
  });
});

describe('what the server may say', () => {
  it.each([
    {type: 'present'},
    {type: 'acknowledge', seq: 7},
    {type: 'deliver', items: [{id: 'a-1', text: 'hi\nthere', to: [1, 10_000], ...origin}]},
  ])('%j', (datagram) => {
    expect(decodeToMailbox(json(datagram))).toEqual({kind: 'datagram', datagram});
  });

  it.each([
    {type: 'deliver', items: []},
    {type: 'acknowledge'},
    {type: 'deliver', items: [{id: 'a-1', to: [1, 1], ...origin}]},
    {type: 'deliver', items: [{id: 'a-1', text: 'hi', to: [1, 1]}]},
    {type: 'deliver', items: [{id: '', text: 'hi', to: [1, 1], ...origin}]},
    {type: 'hello', from, items: [record]},
  ])('not %j', (datagram) => {
    expect(decodeToMailbox(json(datagram)).kind).toBe('invalid');
  });
});

describe('pack', () => {
  it('takes as many as fit, in order, and not one more', () => {
    const items = Array.from({length: 100}, (_, n) => ({n, text: 'é'.repeat(1000)}));
    const {bytes, count} = pack({type: 'hello', from}, items);
    expect(bytes.length).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
    expect(bytes.length + Buffer.byteLength(JSON.stringify(items[count])) + 1).toBeGreaterThan(
      MAX_DATAGRAM_BYTES,
    );
    expect(JSON.parse(bytes.toString())).toEqual({type: 'hello', from, items: items.slice(0, count)});
  });

  it.each([-1, 0, 1, 2])('fills a datagram to its last byte but one, and never beyond: %d', (over) => {
    const head = {type: 'hello', from};
    const used = pack(head, [{n: 1}, {x: ''}]).bytes.length;
    const items = [{n: 1}, {x: 'x'.repeat(MAX_DATAGRAM_BYTES - 1 - used + over)}];
    expect(pack(head, items).count).toBe(over > 0 ? 1 : 2);
  });

  it('takes one that is too large alone: not taken it would be tried for ever', () => {
    const items = [{text: 'x'.repeat(MAX_DATAGRAM_BYTES)}, {text: ''}];
    expect(pack({type: 'hello', from}, items).count).toBe(1);
  });

  it('has room for the largest item of each kind', () => {
    const worst = '\u0001'.repeat(MAX_NAME_LENGTH);
    const names = {user: worst, address: worst, host: worst, class: worst, server: worst};
    const numbers = Array(2 * MAX_RANGES).fill(9_999_999_999);
    const text = 'x'.repeat(MAX_TEXT_BYTES - 2);
    const hello = pack({type: 'hello', from, seq: 1}, [{...record, ...names, pid: 2 ** 53 - 1}]);
    const deliver = pack({type: 'deliver'}, [{id: 'f'.repeat(64), text, to: numbers, ...origin}]);
    const receipts = pack({type: 'receipts', from, seq: 1}, [
      {id: 'f'.repeat(64), state: 'taken', to: numbers, ...origin},
    ]);
    expect(decodeToServer(hello.bytes).kind).toBe('datagram');
    expect(decodeToMailbox(deliver.bytes).kind).toBe('datagram');
    expect(decodeToServer(receipts.bytes).kind).toBe('datagram');
  });
});
