#!/usr/bin/env node
import start from '../dist/start.cjs';

process.exitCode = await start.main(process.argv.slice(2));
