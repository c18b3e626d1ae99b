import {expect, vi} from 'vitest';
import type {Receipt} from '../../src/lib/session/queue/receiptStore.ts';
import type {SessionQueue} from '../../src/lib/session/queue/sessionQueue.ts';

/** The receipt of a message once no session has anything left to say of it. */
export async function settled(queue: SessionQueue, id: string): Promise<Receipt> {
  return vi.waitFor(() => {
    const receipt = queue.receipt(id);
    expect(receipt).toMatchObject({waiting: 0, unknown: 0});
    return receipt!;
  }, 5000);
}
