import type {ReceiptDetails} from '../../protocol/details.ts';
import {chalkFor} from '../output/colour.ts';
import {StatusLine} from '../output/statusLine.ts';
import {shownTo} from './receipt.ts';

/** Characters of the bar itself. */
const WIDTH = 24;

/** A bar on a terminal's standard error that grows as a message is shown to one session after another. */
export class DeliveryProgress {
  readonly #line = new StatusLine();

  private constructor(private readonly paint: (bar: string) => string) {}

  static async start(): Promise<DeliveryProgress> {
    const {green} = await chalkFor(process.stderr);
    return new DeliveryProgress((text) => text.replace(/#+/, (done) => green(done)));
  }

  update(receipt: ReceiptDetails): void {
    const text = shownTo(receipt);
    this.#line.draw(
      `${progressBar(receipt.shown + (receipt.probablyShown ?? 0), receipt.recipients)} ${text}`,
      text,
      this.paint,
    );
  }

  end(): void {
    this.#line.clear();
  }
}

/** `[######------]`: as much of it as is done, and all of it only when all is. */
export function progressBar(done: number, total: number, width = WIDTH): string {
  const filled = total === 0 ? width : Math.floor((done / total) * width);
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}]`;
}
