import {execFileSync} from 'node:child_process';
import {cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import './setup.js';
import {pagesWithoutSource, renderPages} from './man.js';

/** Whether everything that is generated and committed is what would be generated now. */
const root = fileURLToPath(new URL('..', import.meta.url));
const complaints = [...manifestComplaints(), ...manComplaints()];
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exit(1);
console.log('oclif.manifest.json and man/ are up to date');

function manifestComplaints() {
  const folder = mkdtempSync(join(tmpdir(), 'ftpdctl-manifest-'));
  try {
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    for (const name of ['dist', 'node_modules']) symlinkSync(join(root, name), join(folder, name));
    execFileSync(join(root, 'node_modules/.bin/oclif'), ['manifest'], {cwd: folder, stdio: 'pipe'});
    const same = read(join(folder, 'oclif.manifest.json')) === read(join(root, 'oclif.manifest.json'));
    return same ? [] : ['oclif.manifest.json is out of date: npm run manifest'];
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

function manComplaints() {
  const pages = renderPages();
  const present = readdirSync(join(root, 'man')).filter((name) => name.endsWith('.8'));
  const stale = [...pages].filter(
    ([name, text]) => !present.includes(name) || read(join(root, 'man', name)) !== text,
  );
  const listed = new Set(JSON.parse(read(join(root, 'package.json'))).man);
  return [
    ...stale.map(([name]) => `man/${name} is out of date: npm run man`),
    ...present.filter((name) => !pages.has(name)).map((name) => `man/${name} is of no command: remove it`),
    ...[...pages.keys()]
      .filter((name) => !listed.has(`man/${name}`))
      .map((name) => `package.json does not list man/${name}`),
    ...pagesWithoutSource().map(
      (name) => `man/${name} has no hand-written part: man/src/${name.replace(/8$/, 'mdoc')}`,
    ),
  ];
}

function read(file) {
  return readFileSync(file, 'utf8');
}
