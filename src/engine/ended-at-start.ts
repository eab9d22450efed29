// Owns the error of a machine whose process ended before it could be steered. Never says anything of what it was to start from.
import { PyroError } from "../base/error.js";
import { call, say } from "../base/say.js";

/** Neither its memory nor its devices' state have been looked at by then. The message has the process's own last words. */
export class EndedAtStart extends PyroError {
  constructor(reason: string, cause?: unknown) {
    super("unavailable", `The machine ended before it was ready: ${reason}`, {
      hint: say`${call("doctor", { fix: true })} measures this host again and says what machines can run on.`,
      cause,
    });
  }
}
