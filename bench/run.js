import {benchStart} from './start.js';

/** `npm run bench [NAME...]`: speed, as ratios measured in one run; names choose some of the measurements. */
const BENCHES = {start: benchStart};

const wanted = process.argv.slice(2);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (wanted.length === 0 || wanted.includes(name)) await bench();
}
