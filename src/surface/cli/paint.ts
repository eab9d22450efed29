// Owns colours on a terminal: where there are any, and which part of a text has which. Never changes a text's words.
import type { CliShape } from "../../operations/operation.js";

/** From a text whose controls are shown to the same with colours. */
export type Paint = (text: string) => string;

/** As NO_COLOR is agreed on among programs: any value but the empty one says no. */
export function hasColours(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
type Colour = keyof typeof codes;

function coloured(colour: Colour, text: string): string {
  return text === "" ? "" : `\u001b[${codes[colour]}m${text}\u001b[0m`;
}

function byLine(paint: (line: string) => string): Paint {
  return (text) => text.split("\n").map(paint).join("\n");
}

/** As git does it. */
const patch: Paint = (text) => {
  let isInHunk = false;
  return byLine((line) => {
    if (line.startsWith("@@")) {
      isInHunk = true;
      return line.replace(/^@@.*?@@/u, (range) => coloured("cyan", range));
    }
    if (!/^[ +\\-]/u.test(line)) isInHunk = false;
    if (!isInHunk) return coloured("bold", line);
    return line.startsWith("+") ? coloured("green", line) : line.startsWith("-") ? coloured("red", line) : line;
  })(text);
};

const stateColours: Readonly<Record<string, Colour>> = {
  running: "green",
  installed: "green",
  stopped: "dim",
  not_installed: "dim",
  creating: "yellow",
  resetting: "yellow",
  newer: "yellow",
  failed: "red",
  broken: "red",
};

const stateAt = new RegExp(`^(\\S+\\s+(?:\\S+\\s+)??)(${Object.keys(stateColours).join("|")})(?!\\S)`, "u");

/** Of a table's head, and of the state that follows a line's name. */
const states = byLine((line) => {
  if (/^[A-Z]+ {2,}[A-Z]/u.test(line)) return coloured("bold", line);
  return line.replace(
    stateAt,
    (_whole, before: string, state: string) => before + coloured(stateColours[state] ?? "bold", state),
  );
});

const severityColours: Readonly<Record<string, Colour>> = {
  ok: "green",
  info: "cyan",
  warning: "yellow",
  ERROR: "red",
};

const findings = byLine((line) =>
  line.replace(/^\w+\b/u, (word) => {
    const colour = Object.hasOwn(severityColours, word) ? severityColours[word] : undefined;
    return colour === undefined ? word : coloured(colour, word);
  }),
);

export const paints: Readonly<Record<NonNullable<CliShape["paint"]>, Paint>> = { patch, states, findings };

/** Headings of a help text. */
export const paintHelp = byLine((line) => line.replace(/^[A-Z][\w ,]*:/u, (heading) => coloured("bold", heading)));

/** Who complains, before what is wrong. */
export const paintError: Paint = (text) => text.replace(/^pyro:/u, (who) => coloured("red", who));
