import type {Mailbox, SessionMailbox} from './mailbox.ts';

/** The mailbox of a server without `MessageQueue`: no message ever comes. */
export const noMailbox: Mailbox = {
  register: () => idle,
  close: async () => {},
};

const idle: SessionMailbox = {
  id: '',
  change() {},
  active() {},
  pending: () => [],
  shown() {},
  goodbye() {},
};
