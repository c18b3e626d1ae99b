#!/usr/bin/env node
import {build} from '../scripts/build.js';

await build();
await import('./run.js');
