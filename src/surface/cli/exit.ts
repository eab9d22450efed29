// Owns which exit code a failure has. Never ends the process.
import type { ErrorCode, PyroError } from "../../base/error.js";

/** After sysexits.h, as the contract gives them. */
export const exitCodes: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 64,
  not_found: 66,
  already_exists: 73,
  failed_precondition: 73,
  permission_denied: 77,
  resource_exhausted: 75,
  deadline_exceeded: 75,
  canceled: 1,
  unavailable: 69,
  unsupported: 64,
  internal: 1,
};

/** Of commands that otherwise exit as the guest's did. */
export const ownFailure = 125;

/** Standard output's reader has gone, as a shell reports SIGPIPE. */
export const outputClosed = 141;

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
export type InterruptName = keyof typeof signalNumbers;
export const interruptNames: readonly InterruptName[] = ["SIGHUP", "SIGINT", "SIGTERM"];

/** As a shell reports a program that this signal ended. */
export function interrupted(name: InterruptName): number {
  return 128 + signalNumbers[name];
}

/** Thrown for a failure whose exit code is not that of its error code. */
export class CommandFailure extends Error {
  constructor(
    readonly exitCode: number,
    readonly error: PyroError,
  ) {
    super(error.message, { cause: error });
  }
}
