import {defineConfig} from 'vitest/config';

/**
 * The tests that a mutation run replays: those of the folder `MUTATION_FOLDER`. The program is not
 * built, and nothing that needs it, or a real daemon, is run.
 */
export default defineConfig({
  plugins: [
    {
      name: 'ftpdctl:processes',
      // Stryker's runner asks for threads, where Node refuses to set the umask or the user.
      configureVitest({project}) {
        project.config.pool = 'forks';
      },
    },
  ],
  test: {
    include: [`test/${process.env['MUTATION_FOLDER']}{.test.ts,/**/*.test.ts}`],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
