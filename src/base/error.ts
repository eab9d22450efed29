// Owns the one error type and what its codes mean to a caller. Never formats text for a terminal.
import { asSaid, call, say, spell, type Said, type Speaker } from "./say.js";

/** Every way in which an operation of pyro itself can fail. A guest command that fails is a result, not an error. */
export const errorCodes = [
  "invalid_argument",
  "not_found",
  "already_exists",
  "failed_precondition",
  "permission_denied",
  "resource_exhausted",
  "deadline_exceeded",
  "canceled",
  "unavailable",
  "unsupported",
  "internal",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** What goes over the wire and into `--json` documents. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  /** The next call to make, in words the caller can act on. */
  readonly hint: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** Of a fault in pyro: the call under which the daemon's log has more. */
  readonly call_id?: string;
}

export interface PyroErrorOptions {
  readonly hint?: string | Said;
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly callId?: string | undefined;
}

const defaultHints: Record<ErrorCode, string | Said> = {
  invalid_argument: "Correct what the message names and call again.",
  not_found: "List what exists and use one of those names.",
  already_exists: "Choose another name, or delete the existing one first.",
  failed_precondition: "Bring it into the state that the message names, then call again.",
  permission_denied: "Grant the permission that the message names, then call again.",
  resource_exhausted: "Free what the message names, then call again.",
  deadline_exceeded: "Call again; if it repeats, allow more time.",
  canceled: "Call again when ready.",
  unavailable: say`Stop the daemon by ${call("daemon_stop")} and call again.`,
  unsupported: "Use what this version supports.",
  internal: "This is a fault in pyro; call again, and report it if it repeats.",
};

export class PyroError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly callId: string | undefined;
  readonly #said: Said;
  #hint: string;

  constructor(code: ErrorCode, message: string, options: PyroErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "PyroError";
    this.code = code;
    this.#said = asSaid(options.hint ?? defaultHints[code]);
    this.#hint = this.#said.plain;
    this.details = options.details;
    this.callId = options.callId;
  }

  /** The next call to make, in the words of the surface that hands the error out. */
  get hint(): string {
    return this.#hint;
  }

  /** @internal The hint as data. */
  get said(): Said {
    return this.#said;
  }

  /** @internal For the surface that hands it out. */
  spelledBy(speaker: Speaker): this {
    this.#hint = spell(this.#said, speaker);
    return this;
  }

  toBody(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      hint: this.hint,
      ...(this.details === undefined ? {} : { details: this.details }),
      ...(this.callId === undefined ? {} : { call_id: this.callId }),
    };
  }
}

/** For a disk that is full. */
export function freeRoomHint(remedy = ""): Said {
  return say`Free room; ${call("doctor")} says where, ${call("env_prune")} removes unused environments${remedy}. Then call again.`;
}

/** The same for who made the call `callId`: a fault says where more of it stands. */
export function failureOf(error: unknown, callId: string): PyroError {
  const known = asPyroError(error);
  if (known.code !== "internal") return known;
  const log = call("daemon_log", { call: callId });
  const hint =
    known.hint === asSaid(defaultHints.internal).plain
      ? say`This is a fault in pyro; ${log} has the details. Call again, and report it if it repeats.`
      : known.said;
  return new PyroError("internal", known.message, { hint, callId, details: known.details, cause: known });
}

/** Turns anything thrown into a PyroError; aborts become `canceled`, the rest `internal`. */
export function asPyroError(error: unknown): PyroError {
  if (error instanceof PyroError) return error;
  // A library that wraps what was thrown keeps it as the cause.
  if (error instanceof Error && error.cause instanceof PyroError) return error.cause;
  if (error instanceof Error && error.name === "AbortError") {
    return new PyroError("canceled", "The call was canceled.", { cause: error });
  }
  if (hasErrno(error, "ENOSPC") || hasErrno(error, "EDQUOT")) {
    return new PyroError("resource_exhausted", "There is no room left on the disk.", {
      hint: freeRoomHint(),
      cause: error,
    });
  }
  if (hasErrno(error, "EACCES") || hasErrno(error, "EPERM") || hasErrno(error, "EROFS")) {
    return new PyroError("permission_denied", messageOf(error), {
      hint: "Give this user the right to what the message names, or set PYRO_HOME to a folder of its own.",
      cause: error,
    });
  }
  return new PyroError("internal", messageOf(error), { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True for a system error with this code, such as ENOENT. */
export function hasErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
