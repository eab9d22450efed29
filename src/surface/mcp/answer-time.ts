// Owns how long a tool call may take, from which all of its other times follow. Never measures one.
import type { AnswerTime } from "../../operations/operation.js";

/** Chat hosts stop waiting at 60 s, and some of that is theirs. */
const answer = 45;

export const answerTime: AnswerTime = { answer, work: answer - 5 };

/** Seconds for which a model may ask a call to wait; the daemon answers a little later. */
export const longestWait = answer - 2;

/** Milliseconds after which a call is ended, done or not; the result has to get out. */
export const deadlineMs = (answer - 1) * 1000;
