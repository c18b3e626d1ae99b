/** What one stage may take: it ends at the first of the two. */
export interface Bounds {
  readonly frames: number;
  readonly milliseconds: number;
  readonly seed: number;
}

/** What a stage has done. It ends at its first fault. */
export interface Stage {
  readonly frames: number;
  /** What else was counted, in words. */
  readonly counted: string;
  readonly fault: string | undefined;
}

/** Whether a bounded stage has to end. */
export function deadline({milliseconds}: Bounds): () => boolean {
  const start = performance.now();
  return () => performance.now() - start > milliseconds;
}
