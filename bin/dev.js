#!/usr/bin/env node
import('../scripts/build.js').then(async ({build}) => {
  await build();
  require('./run.js');
});
