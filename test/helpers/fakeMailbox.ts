import type {SessionIdentity} from '../../src/lib/audience.ts';
import type {Mailbox, Message, SessionMailbox} from '../../src/lib/session/mailbox/mailbox.ts';

/** A queue in memory: tests put messages in and see what became of them. */
export class FakeMailbox implements Mailbox {
  readonly sessions: FakeSessionMailbox[] = [];
  /** While set, a session that has nothing new pending finds a new message: one is there before every command. */
  rearm: ((number: number) => string) | null = null;
  #count = 0;

  /** Servers that are down. */
  readonly down = new Set<string>();
  readonly shutdown = new Promise<void>(() => {});

  isDown(server: string): boolean {
    return this.down.has(server);
  }

  register(identity: SessionIdentity, onKick?: () => void): FakeSessionMailbox {
    const session = new FakeSessionMailbox(this, identity, onKick);
    this.sessions.push(session);
    return session;
  }

  async close(): Promise<void> {}

  /** The latest session. */
  get last(): FakeSessionMailbox {
    return this.sessions.at(-1)!;
  }

  /** Texts that were reported as shown, in order, over all sessions. */
  get shownTexts(): string[] {
    return this.sessions.flatMap(({shownMessages}) => shownMessages.map(({text}) => text));
  }

  message(text?: string): Message {
    this.#count += 1;
    return {id: `id${this.#count}`, text: text ?? this.rearm!(this.#count)};
  }
}

export class FakeSessionMailbox implements SessionMailbox {
  readonly id = 'fake';
  readonly shownMessages: Message[] = [];
  readonly changes: Partial<SessionIdentity>[] = [];
  commands = 0;
  ended = false;
  #pending: Message[] = [];
  /** Messages that `pending` has named: they may be written, and not yet shown. */
  readonly #handedOut = new Set<string>();

  constructor(
    private readonly mailbox: FakeMailbox,
    readonly identity: SessionIdentity,
    readonly kick: () => void = () => {},
  ) {}

  /** A message arrives. */
  deliver(...texts: readonly string[]): void {
    this.#pending.push(...texts.map((text) => this.mailbox.message(text)));
  }

  get waiting(): string[] {
    return this.#pending.map(({text}) => text);
  }

  change(changes: Partial<SessionIdentity>): void {
    this.changes.push(changes);
  }

  active(): void {
    this.commands += 1;
    if (this.mailbox.rearm !== null && this.#pending.every(({id}) => this.#handedOut.has(id)))
      this.#pending.push(this.mailbox.message());
  }

  pending(): readonly Message[] {
    for (const {id} of this.#pending) this.#handedOut.add(id);
    return [...this.#pending];
  }

  async showing(): Promise<boolean> {
    return true;
  }

  shown(ids: readonly string[]): void {
    for (const id of ids) {
      const index = this.#pending.findIndex((message) => message.id === id);
      if (index === -1) throw new Error(`shown twice, or never pending: ${id}`);
      this.shownMessages.push(...this.#pending.splice(index, 1));
    }
  }

  goodbye(): void {
    this.ended = true;
  }
}
