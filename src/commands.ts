/** Our own commands by their oclif ids: each is loaded when it is run. Any other action is sent to the server. */
export const LOADERS = {
  __allServers: () => import('./commands/allServers.ts'),
  __complete: () => import('./commands/complete.ts'),
  'acl:check': () => import('./commands/acl/check.ts'),
  'acl:list': () => import('./commands/acl/list.ts'),
  completion: () => import('./commands/completion.ts'),
  doctor: () => import('./commands/doctor.ts'),
  hosts: () => import('./commands/hosts.ts'),
  kick: () => import('./commands/kick.ts'),
  mock: () => import('./commands/mock.ts'),
  msg: () => import('./commands/msg.ts'),
  prompt: () => import('./commands/prompt.ts'),
  request: () => import('./commands/request.ts'),
  serve: () => import('./commands/serve.ts'),
  status: () => import('./commands/status.ts'),
  who: () => import('./commands/who.ts'),
} as const;
