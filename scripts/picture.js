import {execFileSync} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

/** Draws `docs/demo.svg`: `npm run demo` in a real terminal (tmux), its screen and colours as they were. */
const root = fileURLToPath(new URL('..', import.meta.url));
const [COLUMNS, LINES] = [88, 64];
const [CELL, LINE, MARGIN] = [8.4, 18, 16];
const COLOURS = {32: '#7ee787', 33: '#f2cc60', 36: '#79c0ff', 39: '#e6edf3'};

const tmux = (...args) =>
  execFileSync('tmux', ['-L', 'ftpdctl-picture', ...args], {cwd: root, encoding: 'utf8'});
tmux(
  '-f',
  '/dev/null',
  'new-session',
  '-d',
  '-x',
  String(COLUMNS),
  '-y',
  String(LINES),
  'npm run --silent demo; tmux -L ftpdctl-picture wait-for -S done; sleep 9',
);
tmux('wait-for', 'done');
const screen = tmux('capture-pane', '-e', '-p').trimEnd();
tmux('kill-server');

const escapeXml = (text) =>
  text.replace(/[&<>]/g, (character) => ({'&': '&amp;', '<': '&lt;', '>': '&gt;'})[character]);

/** One line of the screen as SVG; of the escape sequences only colour, bold and dim matter. */
function drawLine(line, row) {
  let style = {colour: COLOURS[39], bold: false, dim: false};
  const spans = line.split('\x1b[').map((part, i) => {
    const [, codes, text] = i === 0 ? [null, '', part] : part.match(/^([\d;]*)m([\s\S]*)$/);
    for (const code of codes.split(';').map(Number)) {
      if (code === 0) style = {colour: COLOURS[39], bold: false, dim: false};
      else if (code === 1) style = {...style, bold: true};
      else if (code === 2) style = {...style, dim: true};
      else if (COLOURS[code]) style = {...style, colour: COLOURS[code]};
    }
    const look = `fill="${style.colour}"${style.bold ? ' font-weight="bold"' : ''}${style.dim ? ' opacity="0.6"' : ''}`;
    return text && `<tspan ${look}>${escapeXml(text)}</tspan>`;
  });
  return `<text x="${MARGIN}" y="${MARGIN + LINE * (row + 1) - 5}" xml:space="preserve">${spans.join('')}</text>`;
}

const lines = screen.split('\n').map((line) => line.trimEnd());
const width = Math.ceil(COLUMNS * CELL + 2 * MARGIN);
const height = lines.length * LINE + 2 * MARGIN;
mkdirSync(`${root}docs`, {recursive: true});
writeFileSync(
  `${root}docs/demo.svg`,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${lines.map(drawLine).join('\n')}
</svg>
`,
);
