import {expect, test} from 'vitest';
import {ReceiptEvidence, type SessionLook} from '../../../src/lib/proftpd/delivery/receiptEvidence.ts';

/** Time, command, begin_idle; then bytes written, acknowledged, received and read. */
type Row = readonly [
  at: number,
  command: string | null,
  idle: number,
  tcp?: readonly [number, number, number, number],
];

const look = ([at, command, beginIdle, tcp]: Row): SessionLook => ({
  at,
  ...(command !== null && {slot: {command, commandArgs: '', beginIdle}}),
  ...(tcp && {tcp: {written: tcp[0], acknowledged: tcp[1], received: tcp[2], read: tcp[3]}}),
});

const QUIET = [500, 500, 60, 60] as const;

test.each<[string, number, readonly Row[], string]>([
  [
    'nothing happens',
    100,
    [
      [0, 'idle', 1],
      [50, 'idle', 1],
      [900, 'idle', 1],
    ],
    'taken',
  ],
  [
    'a command came and went',
    100,
    [
      [0, 'idle', 1],
      [50, 'idle', 2],
    ],
    'probably shown',
  ],
  [
    'a command is seen, and is not over',
    100,
    [
      [0, 'idle', 1],
      [50, 'LIST', 1],
      [100, 'LIST', 1],
    ],
    'taken',
  ],
  [
    'a command is seen, and is over',
    100,
    [
      [0, 'idle', 1],
      [50, 'LIST', 1],
      [100, 'idle', 2],
    ],
    'shown',
  ],
  [
    'PASV is seen',
    100,
    [
      [0, 'idle', 1],
      [50, 'PASV', 1],
      [100, 'idle', 1],
    ],
    'taken',
  ],
  [
    'STOU is seen, and is over',
    100,
    [
      [0, 'idle', 1],
      [50, 'STOU', 1],
      [100, 'idle', 2],
    ],
    'probably shown',
  ],
  // It may have answered before the taking, and be asleep since.
  [
    'the command before is over',
    100,
    [
      [0, 'RETR', 1],
      [50, 'RETR', 1],
      [400, 'idle', 2],
    ],
    'taken',
  ],
  [
    'a transfer goes on after the taking',
    100,
    [
      [0, 'RETR', 1],
      [700, 'RETR', 1],
      [750, 'idle', 2],
    ],
    'shown',
  ],
  [
    'before the login, nothing is known',
    100,
    [
      [0, '', 0],
      [50, '', 0],
      [900, '', 0],
    ],
    'taken',
  ],
  [
    'a long reply',
    100,
    [
      [0, 'idle', 1, QUIET],
      [50, 'idle', 1, [640, 640, 66, 66]],
      [90, 'idle', 1, [640, 640, 66, 66]],
    ],
    'shown',
  ],
  [
    'a long reply, just now',
    100,
    [
      [0, 'idle', 1, QUIET],
      [50, 'idle', 1, [640, 640, 66, 66]],
    ],
    'taken',
  ],
  [
    'a long reply that does not end',
    100,
    [
      [0, 'idle', 1, QUIET],
      [50, 'STAT', 1, [640, 640, 66, 66]],
      [90, 'STAT', 1, [900, 700, 66, 66]],
    ],
    'taken',
  ],
  [
    'a long reply, not acknowledged',
    100,
    [
      [0, 'idle', 1, QUIET],
      [50, 'idle', 2, [640, 500, 66, 66]],
      [90, 'idle', 2, [640, 500, 66, 66]],
    ],
    'taken',
  ],
  [
    'a reply of before, acknowledged late',
    100,
    [
      [0, 'idle', 1, [900, 500, 60, 60]],
      [50, 'idle', 1, [900, 900, 60, 60]],
      [90, 'idle', 1, [900, 900, 60, 60]],
    ],
    'taken',
  ],
  [
    'PASV, over and over',
    40,
    [
      [0, 'idle', 1, QUIET],
      [50, 'idle', 1, [800, 800, 96, 96]],
      [90, 'idle', 1, [800, 800, 96, 96]],
    ],
    'taken',
  ],
  [
    'PASV, unread at the taking',
    40,
    [
      [0, 'idle', 1, [500, 500, 66, 60]],
      [50, 'idle', 1, [550, 550, 66, 66]],
      [90, 'idle', 1, [550, 550, 66, 66]],
    ],
    'taken',
  ],
  [
    'PASV, under way at the taking',
    40,
    [
      [0, 'PASV', 1, QUIET],
      [50, 'idle', 1, [550, 550, 60, 60]],
      [90, 'idle', 1, [550, 550, 60, 60]],
    ],
    'taken',
  ],
  [
    'moved, but the client got too little',
    100,
    [
      [0, 'idle', 1, QUIET],
      [50, 'idle', 2, [550, 550, 66, 66]],
    ],
    'taken',
  ],
  [
    'without a scoreboard',
    100,
    [
      [0, null, 0, QUIET],
      [50, null, 0, [640, 640, 66, 66]],
      [90, null, 0, [640, 640, 66, 66]],
    ],
    'shown',
  ],
])('%s', (_name, bytes, [first, ...rows], state) => {
  const evidence = new ReceiptEvidence(bytes, look(first!));
  for (const row of rows) evidence.add(look(row));
  expect(evidence.state).toBe(state);
});
