import {expect, test} from 'vitest';
import {statusSummary} from '../../../src/lib/cli/output/answer.ts';

test.each([
  [
    {uptime: 0, sessions: 0, waiting: 0, engine: false},
    'up 0 s, 0 sessions, 0 messages waiting, MessageEngine off',
  ],
  [
    {uptime: 61, sessions: 1, waiting: 1, engine: true},
    'up 1 min 1 s, 1 session, 1 message waiting, MessageEngine on',
  ],
  [
    {uptime: 7502, sessions: 3, waiting: 2, engine: true},
    'up 2 h 5 min, 3 sessions, 2 messages waiting, MessageEngine on',
  ],
  [
    {uptime: 86_430, sessions: 3, waiting: 2, engine: true},
    'up 1 d 30 s, 3 sessions, 2 messages waiting, MessageEngine on',
  ],
])('%j', (details, line) => expect(statusSummary(details)).toBe(line));
