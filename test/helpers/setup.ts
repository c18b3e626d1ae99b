import {vi} from 'vitest';

/** A little less than a test may take, so that the failure says what was waited for: milliseconds. */
const DEADLINE = 18_000;

const {waitFor} = vi;

/** How long a machine takes is no concern of a test: without a deadline of its own it waits as long as it may. */
vi.waitFor = (callback, options = DEADLINE) => waitFor(callback, options);
