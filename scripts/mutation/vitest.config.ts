import {statSync} from 'node:fs';
import {defineConfig} from 'vitest/config';
import {BaseSequencer, type TestSpecification} from 'vitest/node';

/**
 * A mutant's run ends with the first test that fails. Vitest begins with the largest file; here the small ones, which
 * test one class in memory, come before those that start servers and processes, and wait for them.
 */
class SmallFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sized = files.map((file) => ({file, size: statSync(file.moduleId).size}));
    return sized.sort((a, b) => a.size - b.size).map(({file}) => file);
  }
}

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
    sequence: {sequencer: SmallFilesFirst},
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
