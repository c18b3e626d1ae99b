import {defineConfig} from 'vitest/config';

/**
 * The tests that a mutation run replays: those of the folder `MUTATION_FOLDER`, in this process. The program is not
 * built, and nothing that needs it, or a real daemon, is run.
 */
export default defineConfig({
  test: {
    include: [`test/${process.env['MUTATION_FOLDER']}/**/*.test.ts`],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
