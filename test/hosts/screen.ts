// Owns a terminal with a program in it: the keys that it gets, the words that it has shown. Never draws the picture.

import { startProgram, type CommandOptions, type Finished } from "../e2e/command.js";
import { eventually } from "../e2e/eventually.js";

export interface Screen extends AsyncDisposable {
  /** Waits for words that were shown since the last keys; blanks do not count, since programs jump over them. */
  shows(words: string): Promise<void>;
  press(keys: string): void;
  /** Types a line, as a paste, so that no program takes the speed of it for one. */
  enter(line: string): Promise<void>;
  readonly finished: Promise<Finished>;
}

export const keys = { enter: "\r", escape: "\u001b", interrupt: "\u0003" } as const;

/** Of a terminal that is large enough for every question to be seen whole. */
const size = "stty rows 50 cols 140";

/** Colours, titles, movements of the cursor. */
// oxlint-disable-next-line no-control-regex -- that is what they are made of
const controls = /\u001b(?:\[[\d;?<>=]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[P_].*?\u001b\\|.)/gsu;

/** Only for what never comes: a busy machine draws late. */
const patience = { withinMs: 300_000 };

/** `script` of util-linux has the pseudo-terminal that Node lacks. */
export function openScreen(argv: readonly string[], options: CommandOptions): Screen {
  const command = `${size}; exec ${argv.map(quoted).join(" ")}`;
  const env = { ...options.env, TERM: "xterm-256color", LANG: "C.UTF-8", SHELL: "/bin/sh" };
  const started = startProgram(["script", "--quiet", "--flush", "--command", command, "/dev/null"], {
    ...options,
    env,
    stdin: "open",
  });
  // Where the cursor is, and what kind of terminal this is: programs wait for the answers before they take keys.
  const answers = { "\u001b[6n": "\u001b[1;1R", "\u001b[c": "\u001b[?62c" };
  started.child.stdout?.on("data", (chunk: Buffer) => {
    for (const [question, answer] of Object.entries(answers)) {
      if (chunk.includes(question)) started.child.stdin?.write(answer);
    }
  });
  let before = 0;
  const shown = () => started.stdout().slice(before).replaceAll(controls, "").replaceAll(/\s/gu, "");
  const press: Screen["press"] = (pressed) => {
    before = started.stdout().length;
    started.child.stdin?.write(pressed);
  };
  const shows: Screen["shows"] = async (words) => {
    const wanted = words.replaceAll(/\s/gu, "");
    const last = await eventually(shown, (text) => text.includes(wanted), patience);
    if (!last.includes(wanted)) throw new Error(`It does not show ${JSON.stringify(words)}, but: ${last.slice(-2000)}`);
  };
  return {
    shows,
    press,
    enter: async (line) => {
      press(`\u001b[200~${line}\u001b[201~`);
      await shows(line);
      press(keys.enter);
    },
    finished: started.finished,
    // As a window that is closed: the program hears of it.
    [Symbol.asyncDispose]: async () => {
      started.child.kill();
      await started.finished;
    },
  };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
