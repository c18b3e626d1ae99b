import type {KeypressEvent} from '@inquirer/core';
import type {MessageQuestion} from './questions.ts';

/** Terminals that know "bracketed paste" say where a paste begins and ends, so that its line ends are told from Enter. */
const PASTES_MARKED = '\x1b[?2004h';
const PASTES_UNMARKED = '\x1b[?2004l';

/** inquirer's way to ask for a message of one or several lines. */
export async function messagePrompt() {
  const {
    createPrompt,
    isBackspaceKey,
    isEnterKey,
    makeTheme,
    useEffect,
    useKeypress,
    usePrefix,
    useRef,
    useState,
  } = await import('@inquirer/core');
  const {style} = makeTheme({});

  return createPrompt<string, MessageQuestion>((config, done) => {
    const [above, setAbove] = useState<readonly string[]>([]);
    const [line, setLine] = useState('');
    const [error, setError] = useState('');
    const [status, setStatus] = useState<'idle' | 'done'>('idle');
    const isPasting = useRef(false);
    const prefix = usePrefix({status});
    const text = [...above, line].join('\n');

    useEffect(() => {
      process.stdout.write(PASTES_MARKED);
      return () => process.stdout.write(PASTES_UNMARKED);
    }, []);

    useKeypress((key, rl) => {
      const name: string = key.name;
      if (name === 'paste-start' || name === 'paste-end') {
        isPasting.current = name === 'paste-start';
        return;
      }
      const write = (typed: string): void => {
        rl.clearLine(0);
        rl.write(typed);
        setLine(typed);
      };
      setError('');
      if (isEnterKey(key)) {
        if (endsText(key) && !isPasting.current) finish(write);
        else if (config.severalLines) {
          setAbove([...above, line]);
          write('');
        } else {
          write(`${line} `);
          if (!isPasting.current) setError('this server takes one line alone');
        }
      } else if (isBackspaceKey(key) && line === '' && above.length > 0) {
        setAbove(above.slice(0, -1));
        write(above.at(-1)!);
      } else if (rl.line.includes('\t')) {
        write(rl.line.replaceAll('\t', ' '));
      } else {
        setLine(rl.line);
      }
    });

    function finish(write: (typed: string) => void): void {
      const why = text.trim() === '' ? 'write something, or leave with Ctrl-D' : config.refusal(text);
      if (why === undefined) {
        setStatus('done');
        done(text);
      } else {
        write(line);
        setError(why);
      }
    }

    const question = `${prefix} ${style.message(config.message, status)}`;
    if (status === 'done') return `${question} ${style.answer(above.length === 0 ? text : `\n${text}`)}`;
    const keys = config.severalLines ? 'Enter: done, Ctrl-J: a new line' : 'Enter: done';
    const room = config.room(text);
    const left = room < 0 ? style.error(`${-room} bytes too many`) : style.help(`${room} bytes left`);
    return [
      [`${question} ${left}`, ...above.map((one) => `  ${one}`), `  ${line}`].join('\n'),
      error === '' ? style.help(keys) : style.error(error),
    ];
  });
}

/** Enter alone ends the text; Ctrl-J (a line feed) and Alt-Enter end a line. */
function endsText(key: KeypressEvent & {readonly meta?: boolean}): boolean {
  return key.name === 'return' && !key.meta;
}
