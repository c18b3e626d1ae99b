/** The arrows of the design: what each folder of src/lib may import. Anything not listed is an error. */
const allowed = {
  errors: [],
  text: [],
  protocol: ['errors', 'text'],
  config: ['errors', 'text'],
  acl: ['errors', 'text', 'protocol', 'config'],
  audience: ['errors', 'text'],
  reply: ['errors', 'text'],
  scoreboard: ['errors', 'text'],
  transport: ['errors', 'text', 'protocol', 'config'],
  client: ['errors', 'text', 'protocol', 'config', 'transport'],
  proftpd: ['errors', 'text', 'protocol', 'config', 'acl', 'audience', 'reply', 'scoreboard', 'transport'],
  session: ['errors', 'text', 'protocol', 'audience', 'transport'],
  daemon: [
    'errors',
    'text',
    'protocol',
    'config',
    'acl',
    'audience',
    'scoreboard',
    'transport',
    'client',
    'session',
    'proftpd',
  ],
  server: ['errors', 'text', 'protocol', 'config', 'acl', 'audience', 'transport', 'session'],
  ftp: ['errors', 'text', 'protocol', 'config', 'audience', 'reply', 'transport', 'session'],
  fleet: ['errors', 'text', 'protocol', 'transport', 'client', 'daemon'],
  cli: [
    'errors',
    'text',
    'protocol',
    'config',
    'acl',
    'audience',
    'reply',
    'transport',
    'client',
    'session',
    'daemon',
    'server',
    'ftp',
    'fleet',
  ],
};

const pure = ['text', 'protocol', 'config', 'acl', 'audience', 'reply', 'scoreboard'];

module.exports = {
  forbidden: [
    {name: 'no-circles', severity: 'error', from: {}, to: {circular: true}},
    {
      name: 'pure-folders-touch-nothing',
      severity: 'error',
      from: {path: `^src/lib/(${pure.join('|')})(/|\\.ts$)`},
      to: {path: '^(node:)?(net|fs|fs/promises|child_process|dgram|dns|dns/promises|http|os|tty|readline)$'},
    },
    {
      name: 'commands-only-at-the-top',
      severity: 'error',
      from: {path: '^src/lib/'},
      to: {path: '^src/(commands/|index)'},
    },
    ...Object.entries(allowed).map(([folder, targets]) => ({
      name: `${folder}-imports-downwards`,
      severity: 'error',
      from: {path: `^src/lib/${folder}(/|\\.ts$)`},
      to: {
        path: '^src/lib/',
        pathNot: [folder, ...targets].map((name) => `^src/lib/${name}(/|\\.ts$)`),
      },
    })),
  ],
  options: {
    doNotFollow: {path: 'node_modules'},
    tsConfig: {fileName: 'tsconfig.json'},
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {extensions: ['.ts', '.js']},
  },
};
