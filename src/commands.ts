/** Our own commands by their oclif ids: each is loaded when it is run. Any other action is sent to the server. */
export const LOADERS = {
  msg: () => import('./commands/msg.ts'),
  request: () => import('./commands/request.ts'),
  status: () => import('./commands/status.ts'),
} as const;
