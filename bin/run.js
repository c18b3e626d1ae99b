#!/usr/bin/env node
// Its default opens Node's debugger to every local user: before anything else it means nothing.
process.on('SIGUSR1', () => {});

const {main} = require('../dist/start.cjs');

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
