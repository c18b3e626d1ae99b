import {readFileSync} from 'node:fs';
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {sessionInfo} from '../../src/lib/proftpd/sessions/list.ts';
import {type Abi, abisOf, type Layout, layoutOf, ScoreboardError} from '../../src/lib/scoreboard/layout.ts';
import {
  asInScoreboard,
  MAX_SCOREBOARD_BYTES,
  readScoreboard,
  type ScoreboardSession,
} from '../../src/lib/scoreboard/scoreboard.ts';
import {type SlotContent, writeScoreboard} from './writeScoreboard.ts';

const oracle = JSON.parse(readFileSync(new URL('../oracle/scoreboard.json', import.meta.url), 'utf8'));

const samples = Object.entries<Record<string, {base64?: string}>>(oracle.samples).flatMap(
  ([version, states]) =>
    Object.entries(states)
      .filter(([, sample]) => sample.base64 !== undefined)
      .map(([state, sample]) => ({version, state, sample: sample as Sample})),
);

interface Sample {
  readonly base64: string;
  readonly decoded: {
    readonly header: {readonly sch_pid: number; readonly sch_uptime: number};
    readonly slots: readonly ({readonly free: boolean} & Record<string, string | number>)[];
  };
  readonly 'ftpwho_-v_-o_json': {readonly connections: readonly Record<string, unknown>[]};
}

describe('the scoreboards of 1.3.8 and 1.3.10', () => {
  it.each(samples)('$version: $state', ({sample}) => {
    const scoreboard = readScoreboard(Buffer.from(sample.base64, 'base64'));
    const {header, slots} = sample.decoded;
    expect(scoreboard).toMatchObject({
      pid: header.sch_pid,
      startedAt: header.sch_uptime * 1000,
      tornSlots: 0,
      format: {abi: '64-bit', bufferBytes: 80, slotBytes: 624},
    });
    const taken = slots.filter(({free}) => !free);
    expect(scoreboard.sessions.map(raw)).toEqual(taken.map(rawOfOracle));
  });

  it.each(oracle.entry.fields as {field: string; offset: number}[])('$field stands at $offset', ({
    field,
    offset,
  }) => {
    const {slot} = layoutOf(abisOf('LE', 8)[0]!);
    const name = FIELDS[field];
    if (name !== undefined) expect(slot[name].offset).toBe(offset);
  });
});

/** ProFTPD's names of the fields that are read. */
const FIELDS: Record<string, keyof Layout['slot']> = {
  sce_pid: 'pid',
  sce_user: 'user',
  sce_server_port: 'serverPort',
  sce_server_addr: 'serverAddress',
  sce_server_label: 'serverLabel',
  sce_client_addr: 'clientAddress',
  sce_client_name: 'clientName',
  sce_class: 'class',
  sce_protocol: 'protocol',
  sce_cwd: 'cwd',
  sce_cmd: 'command',
  sce_cmd_arg: 'commandArgs',
  sce_begin_idle: 'beginIdle',
  sce_begin_session: 'beginSession',
  sce_xfer_size: 'transferSize',
  sce_xfer_done: 'transferDone',
  sce_xfer_len: 'transferLength',
  sce_xfer_elapsed: 'transferElapsed',
};

function raw(session: ScoreboardSession) {
  return {
    pid: session.pid,
    user: session.user ?? '(none)',
    server: `${session.server.address}:${session.server.port}`,
    label: session.server.label,
    address: session.address,
    host: session.host,
    class: session.class ?? '',
    protocol: session.protocol,
    cwd: session.cwd,
    command: session.command,
    args: session.commandArgs,
    beginIdle: (session.beginIdle ?? 0) / 1000,
    beginSession: (session.connectedAt ?? 0) / 1000,
    size: session.transfer?.size ?? 0,
    done: session.transfer?.done ?? 0,
  };
}

function rawOfOracle(slot: Record<string, string | number>) {
  return {
    pid: slot['sce_pid'],
    user: slot['sce_user'],
    server: slot['sce_server_addr'],
    label: slot['sce_server_label'],
    address: slot['sce_client_addr'],
    host: slot['sce_client_name'],
    class: slot['sce_class'],
    protocol: slot['sce_protocol'],
    // The place of the laboratory is left out of what the oracle has decoded.
    cwd: String(slot['sce_cwd']).replace('{lab}', '/tmp/oracle'),
    command: slot['sce_cmd'],
    args: slot['sce_cmd_arg'],
    beginIdle: slot['sce_begin_idle'],
    beginSession: slot['sce_begin_session'],
    size: slot['sce_xfer_size'],
    done: slot['sce_xfer_done'],
  };
}

const STARTED = 1_795_399_399;

const idle: SlotContent = {
  pid: 4321,
  user: 'dave',
  serverPort: 2121,
  serverAddress: '::1:2121',
  serverLabel: 'lab',
  clientAddress: '192.0.2.7',
  clientName: 'client.example',
  class: 'staff',
  protocol: 'ftps',
  cwd: '/home/dave',
  command: 'idle',
  beginIdle: STARTED + 70,
  beginSession: STARTED + 10,
};
const download: SlotContent = {
  ...idle,
  pid: 4322,
  user: 'bob',
  class: '',
  command: 'RETR',
  commandArgs: 'größe.bin',
  transferSize: 5_000_000_000,
  transferDone: 3_000_000_000,
  transferLength: 2_500_000_000,
  transferElapsed: 1234,
};
const beforeLogin: SlotContent = {
  ...idle,
  pid: 4323,
  user: '(none)',
  command: '',
  cwd: '',
  beginIdle: 0,
};
const newborn: SlotContent = {pid: 4324};

const BYTE_ORDERS = ['LE', 'BE'] as const;
const abis: Abi[] = BYTE_ORDERS.flatMap((order) => [...abisOf(order, 8), ...abisOf(order, 4)]);
const layouts = abis.flatMap((abi) => [80, 81, 82, 83, 64, 256, 1024].map((bytes) => layoutOf(abi, bytes)));

describe('every build', () => {
  it.each([
    {abi: '64-bit', bufferBytes: 80, header: 32, slot: 624},
    {abi: '64-bit', bufferBytes: 256, header: 32, slot: 1152},
    {abi: '64-bit without IPv6', bufferBytes: 80, header: 32, slot: 600},
    {abi: 'i386', bufferBytes: 80, header: 16, slot: 612},
    {abi: '32-bit', bufferBytes: 80, header: 16, slot: 616},
    {abi: '32-bit with 64-bit time_t', bufferBytes: 80, header: 24, slot: 624},
  ])('$abi, buffers of $bufferBytes: header $header, slot $slot bytes', ({
    abi,
    bufferBytes,
    header,
    slot,
  }) => {
    const layout = layoutOf(abis.find(({name}) => name === abi)!, bufferBytes);
    expect([layout.headerBytes, layout.slotBytes]).toEqual([header, slot]);
  });

  it.each(
    layouts,
  )('$abi.name $abi.byteOrder, buffers of $bufferBytes bytes, is told from the file', (layout) => {
    const slots = [null, idle, null, download, beforeLogin, newborn, null];
    const scoreboard = readScoreboard(writeScoreboard(layout, {pid: 4000, startedAt: STARTED, slots}));
    expect(scoreboard).toMatchObject({
      pid: 4000,
      startedAt: STARTED * 1000,
      tornSlots: 0,
      format: {abi: layout.abi.name, bufferBytes: layout.bufferBytes, slotBytes: layout.slotBytes},
    });
    expect(scoreboard.sessions).toEqual([
      {
        pid: 4321,
        user: 'dave',
        isNewborn: false,
        address: '192.0.2.7',
        host: 'client.example',
        class: 'staff',
        server: {label: 'lab', address: '::1', port: 2121},
        protocol: 'ftps',
        command: 'idle',
        commandArgs: '',
        cwd: '/home/dave',
        idleSince: (STARTED + 70) * 1000,
        beginIdle: (STARTED + 70) * 1000,
        connectedAt: (STARTED + 10) * 1000,
        transfer: null,
      },
      expect.objectContaining({
        pid: 4322,
        class: null,
        commandArgs: 'größe.bin',
        idleSince: null,
        transfer: {
          direction: 'download',
          size: 5_000_000_000,
          done: 3_000_000_000,
          transferred: 2_500_000_000,
          elapsed: 1234,
        },
      }),
      expect.objectContaining({pid: 4323, user: null, isNewborn: false, command: '', cwd: ''}),
      expect.objectContaining({pid: 4324, user: null, isNewborn: true, connectedAt: null, class: null}),
    ]);
  });

  it.each(abis)('$name $byteOrder: one session is enough, in whatever state', (abi) => {
    for (const slot of [idle, download, beforeLogin]) {
      const bytes = writeScoreboard(layoutOf(abi), {pid: 4000, startedAt: STARTED, slots: [slot]});
      expect(readScoreboard(bytes)).toMatchObject({format: {abi: abi.name}, sessions: [{pid: slot.pid}]});
    }
  });

  it.each(abis)('$name $byteOrder: nobody there, and a daemon of inetd', (abi) => {
    const none = writeScoreboard(layoutOf(abi), {pid: 4000, startedAt: STARTED, slots: []});
    expect(readScoreboard(none)).toMatchObject({pid: 4000, sessions: [], tornSlots: 0});
    const container = writeScoreboard(layoutOf(abi), {pid: 1, startedAt: STARTED, slots: [idle]});
    expect(readScoreboard(container)).toMatchObject({pid: 1, sessions: [{pid: expect.any(Number)}]});
    const inetd = writeScoreboard(layoutOf(abi), {pid: 0, startedAt: 0, slots: [idle, null]});
    expect(readScoreboard(inetd)).toMatchObject({pid: null, startedAt: null, sessions: [{pid: 4321}]});
  });
});

describe('slots that are not whole', () => {
  const layout = layoutOf(abis[0]!);
  const write = (...slots: (SlotContent | null)[]) =>
    writeScoreboard(layout, {pid: 4000, startedAt: STARTED, slots});

  it.each<[string, SlotContent]>([
    ['a pid of 1', {...idle, pid: 1}],
    ['a negative pid', {...idle, pid: -5}],
    ['a pid no kernel gives', {...idle, pid: 2 ** 30}],
    ['a port above 65535', {...idle, serverPort: 65536}],
    ['a time before there were scoreboards', {...idle, beginSession: 12}],
    ['a time in a far future', {...idle, beginIdle: 2 ** 40}],
    ['a negative size', {...download, transferDone: -1}],
  ])('%s: left out and counted', (_, torn) => {
    expect(readScoreboard(write(idle, torn, download))).toMatchObject({
      sessions: [{pid: 4321}, {pid: 4322}],
      tornSlots: 1,
    });
  });

  it('is cut off at any byte: what is whole is read, the rest counts as torn', () => {
    const whole = write(idle, null, download);
    for (let length = layout.headerBytes; length <= whole.length; length += 7) {
      const {sessions, tornSlots} = readScoreboard(whole.subarray(0, length));
      const slots = Math.floor((length - layout.headerBytes) / layout.slotBytes);
      expect(sessions.map(({pid}) => pid)).toEqual([[], [4321], [4321], [4321, 4322]][slots]);
      expect(tornSlots).toBe((length - layout.headerBytes) % layout.slotBytes === 0 ? 0 : 1);
    }
  });

  it('reads a buffer that begins anywhere in its memory', () => {
    const bytes = write(idle);
    const moved = Buffer.concat([Buffer.alloc(3), bytes]).subarray(3);
    expect(readScoreboard(moved)).toEqual(readScoreboard(bytes));
  });
});

describe('anything else', () => {
  const code = (bytes: Buffer) => {
    try {
      return readScoreboard(bytes);
    } catch (error) {
      if (!(error instanceof ScoreboardError)) throw error;
      return error.code;
    }
  };
  const valid = writeScoreboard(layoutOf(abis[0]!), {pid: 4000, startedAt: STARTED, slots: [idle, download]});

  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'SCOREBOARD_NOT_ONE'],
    ['NUL bytes', Buffer.alloc(2000), 'SCOREBOARD_NOT_ONE'],
    ['the magic alone', valid.subarray(0, 8), 'SCOREBOARD_NOT_ONE'],
    ['half a header', valid.subarray(0, 24), 'SCOREBOARD_NOT_ONE'],
    ['text', Buffer.from('a'.repeat(2000)), 'SCOREBOARD_NOT_ONE'],
    ['another version', valid.with(8, 2) as Buffer, 'SCOREBOARD_VERSION'],
    ['slots of noise', Buffer.concat([valid.subarray(0, 32), Buffer.alloc(6240, 0xa5)]), 'SCOREBOARD_LAYOUT'],
    ['a daemon with a pid that no kernel gives', Buffer.from(valid).fill(0x7f, 16, 20), 'SCOREBOARD_NOT_ONE'],
  ])('%s is refused', (_, bytes, expected) => {
    expect(code(Buffer.from(bytes))).toBe(expected);
  });

  it('refuses what is too large before it looks at it', () => {
    expect(code(Buffer.allocUnsafeSlow(MAX_SCOREBOARD_BYTES + 1))).toBe('SCOREBOARD_TOO_LARGE');
  });

  it('throws nothing but its own error, whatever follows a header', () => {
    const headers = abis.map((abi) =>
      writeScoreboard(layoutOf(abi), {pid: 4000, startedAt: STARTED, slots: []}),
    );
    const noise = fc.uint8Array({maxLength: 3000, size: 'max'});
    fc.assert(
      fc.property(fc.constantFrom(Buffer.alloc(0), ...headers), noise, (header, rest) => {
        code(Buffer.concat([header, rest]));
      }),
      {numRuns: 60},
    );
  });

  it('gives no session that could harm, whatever bytes are wrong', () => {
    const changes = fc.array(fc.tuple(fc.nat({max: valid.length - 1}), fc.nat({max: 255})), {maxLength: 40});
    let seen = 0;
    fc.assert(
      fc.property(changes, (bytes) => {
        const damaged = Buffer.from(valid);
        for (const [at, byte] of bytes) damaged[at] = byte;
        const result = code(damaged);
        if (typeof result === 'string') return;
        seen += result.sessions.length;
        for (const session of result.sessions) {
          expect(session.pid).toBeGreaterThan(1);
          expect(session.server.port).toBeLessThan(65536);
          expect(Number.isSafeInteger(session.connectedAt ?? 0)).toBe(true);
        }
      }),
      {numRuns: 200},
    );
    expect(seen).toBeGreaterThan(0);
  });
});

describe('a name as the scoreboard has it', () => {
  it.each([
    ['dave', 'dave'],
    ['u'.repeat(31), 'u'.repeat(31)],
    ['u'.repeat(40), 'u'.repeat(31)],
    ['nä'.repeat(16), `${'nä'.repeat(10)}n`],
  ])('%s', (name, expected) => {
    expect(asInScoreboard(name)).toBe(expected);
    const slot = {...idle, user: name};
    const bytes = writeScoreboard(layoutOf(abis[0]!), {pid: 4000, startedAt: STARTED, slots: [slot]});
    expect(readScoreboard(bytes).sessions[0]!.user).toBe(expected);
  });
});

describe.each(
  Object.entries<Record<string, Record<string, string | number> | null>>(oracle.field_values_by_state),
)('what %s writes in each state of a session', (_, states) => {
  const layout = layoutOf(abisOf('LE', 8)[0]!);
  it.each(Object.entries(states))('%s', (state, fields) => {
    const slot = Object.fromEntries(
      Object.entries(fields ?? {}).flatMap(([name, value]) => {
        const ours = FIELDS[name];
        return ours === undefined ? [] : [[ours, value]];
      }),
    );
    const times = {pid: 4321, beginSession: STARTED, beginIdle: slot['command'] === 'idle' ? STARTED : 0};
    const slots = fields === null ? [null] : [{...slot, ...times}];
    const {sessions} = readScoreboard(writeScoreboard(layout, {pid: 812, startedAt: STARTED, slots}));
    if (fields === null) return expect(sessions).toEqual([]);
    const [session] = sessions;
    const isLoggedIn = !['(connected)', 'NOOP', 'USER dave'].includes(state);
    expect(session).toMatchObject({
      user: isLoggedIn ? 'dave' : null,
      isNewborn: false,
      class: 'staff',
      protocol: 'ftp',
      cwd: slot['cwd'],
      command: isLoggedIn ? 'idle' : '',
      idleSince: isLoggedIn ? STARTED * 1000 : null,
      connectedAt: STARTED * 1000,
      transfer: null,
      server: {label: 'lab', address: '127.0.0.1', port: slot['serverPort']},
    });
    expect(sessionInfo(session!)).toMatchObject({user: isLoggedIn ? 'dave' : null, command: null});
  });
});
