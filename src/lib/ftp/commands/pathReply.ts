import {type Reply, reply} from '../../reply/reply.ts';
import {TreeError} from '../tree/tree.ts';

/** Run something about the file that the client called `name`; a tree's error becomes `550 name: what is wrong`. */
export async function replyForPath(name: string, act: () => Promise<Reply>, code = 550): Promise<Reply> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof TreeError)) throw error;
    return reply(error.code === 'ENOSPC' ? 552 : code, `${name}: ${error.message}`);
  }
}
