// Owns the error for what a machine answers or fails at that only what runs as root in it can bring about. Never for a fault of ours.
import { PyroError } from "./error.js";

/** `message` says what the machine did, as a sentence. */
export function guestFault(message: string, cause?: unknown): PyroError {
  return new PyroError("failed_precondition", message, {
    hint: "What runs as root in the machine can cause this: mend from inside what the message names, or reset the workspace, which starts again from its seed. If neither can be the cause, report it.",
    cause,
  });
}
