import {Config} from '@oclif/core/config';
import {Help} from '@oclif/core/help';

/** Show the help of a command, of a topic, or of the program. */
export async function showHelp(root: string, topic: string[]): Promise<void> {
  await new Help(await Config.load({root})).showHelp(topic);
}
