// Owns how long a tool call may take, by who calls, from which all of its other times follow. Never measures one.
import type { ToolTime } from "../../operations/operation.js";

/** Seconds of one call. */
export interface AnswerTime {
  /** It answers within this long. */
  readonly answer: number;
  /** So long it may work or wait where nothing else is asked for. */
  readonly work: number;
  /** So long a model may ask it to wait; the daemon answers a little later. */
  readonly longestWait: number;
  /** Milliseconds after which it is ended, done or not; the result has to get out. */
  readonly deadlineMs: number;
}

/** A client, by the name that it gives and from this version on, that was seen to wait longer while progress arrives. */
export interface PatientClient {
  readonly name: string;
  readonly version: string;
  /** Seconds within which a call answers: less than the limit that was found. */
  readonly answer: number;
  /** Where the run is recorded that has shown it: a section of docs/integrations/call-limits.md. */
  readonly proof: string;
}

/** Who is not in here is given `unknown` seconds: such hosts stop waiting at 60 s, and some of that is theirs. */
export const patientClients: readonly PatientClient[] = [
  // After 120 s it leaves a call running behind its model's back.
  { name: "claude-code", version: "2.1.332", answer: 110, proof: "claude-code-21332" },
  { name: "codex-mcp-client", version: "0.171.0", answer: 240, proof: "codex-01710" },
  { name: "opencode", version: "1.18.33", answer: 240, proof: "opencode-11833" },
];

const unknown = 45;

export interface Caller {
  readonly name: string;
  readonly version: string;
}

/** `hears`: the call has a token by which its client hears of its progress. */
export function answerTimeFor(caller: Caller | undefined, hears: boolean): AnswerTime {
  const known = patientClients.find(({ name, version }) => name === caller?.name && isFrom(version, caller.version));
  return timesOf(hears && known !== undefined ? known.answer : unknown);
}

/** Of a call that can become a task, whose client waits for nothing. */
export const taskTime: AnswerTime = timesOf(60 * 60);

/** What every client gets. */
export const leastTime: AnswerTime = timesOf(unknown);

/** What the tools say of it, which is the same for every client. */
export const toolTime: ToolTime = {
  work: leastTime.work,
  longestWait: timesOf(Math.max(...patientClients.map(({ answer }) => answer))).longestWait,
};

function timesOf(answer: number): AnswerTime {
  return { answer, work: answer - 5, longestWait: answer - 2, deadlineMs: (answer - 1) * 1000 };
}

/** Whether a version is this one or later; what is no version is neither. */
function isFrom(lowest: string, version: string): boolean {
  const [wanted, found] = [lowest, version].map((each) => /^(\d+)\.(\d+)\.(\d+)/u.exec(each)?.slice(1).map(Number));
  if (wanted === undefined || found === undefined) return false;
  const differs = wanted.findIndex((number, index) => number !== found[index]);
  return differs === -1 || (found[differs] ?? 0) > (wanted[differs] ?? 0);
}
