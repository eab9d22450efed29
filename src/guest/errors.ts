// Owns turning a guest connection's failures into ours, once for every call. Never hides what the guest itself answered.
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { PyroError, type ErrorCode } from "../base/error.js";
import { guestFault } from "../base/guest-fault.js";
import { shortened } from "../base/text.js";
import { visibleLine } from "../base/visible.js";

/** Characters of what a guest says of a failure that anybody is shown. */
const maxGuestText = 500;

/**
 * The call's own abort reason or a PyroError goes on as the cause, by which `asPyroError` finds it again: the
 * library wraps whatever is thrown here. Answers of the agent, such as `not_found`, stay as they are.
 */
export const explainFailures: Interceptor = (next) => async (request) => {
  const explain = (error: unknown) => explained(error, request.signal);
  try {
    const response = await next(request);
    if (!response.stream) return response;
    return { ...response, message: explainedStream(response.message, explain) };
  } catch (error) {
    throw explain(error);
  }
};

async function* explainedStream<Message>(messages: AsyncIterable<Message>, explain: (error: unknown) => unknown) {
  try {
    yield* messages;
  } catch (error) {
    throw explain(error);
  }
}

function explained(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted && signal.reason instanceof PyroError) return signal.reason;
  if (!(error instanceof ConnectError)) return error;
  const { code } = error;
  if (code === Code.Unavailable || code === Code.Canceled || code === Code.Aborted) {
    return new PyroError("unavailable", "The machine does not answer any more.", {
      hint: "Call again; a workspace starts again by itself, from its disk.",
      cause: error,
    });
  }
  if (code === Code.DeadlineExceeded) {
    return new PyroError("deadline_exceeded", "The machine did not answer in time.", {
      hint: "Call again; if it repeats, reset or delete what runs there.",
      cause: error,
    });
  }
  return cut(error);
}

/**
 * Without its details and trailers, which are the guest's too. What was thrown on this side, such as a size limit, is the
 * cause; so is our error for a failure of the guest's own kernel, which is no fault of pyro's.
 */
function cut({ rawMessage, code, cause }: ConnectError): ConnectError {
  const shown = visibleLine(shortened(rawMessage, maxGuestText));
  const isAnswer = cause === undefined && guestFailures.has(code);
  const known = isAnswer ? guestFault(`The machine failed: ${shown}`) : cause;
  return new ConnectError(shown, code, undefined, undefined, known);
}

/** Codes for which no call of ours has an answer. */
const guestFailures = new Set([Code.Internal, Code.Unknown, Code.DataLoss]);

/** True when the agent is of an earlier version of pyro, which started the machine. */
export function isUnknownCall(error: unknown): boolean {
  return error instanceof ConnectError && error.code === Code.Unimplemented;
}

/** True for what the agent itself answered; false for what was thrown on this side. */
export function isAnswer(error: unknown): boolean {
  return error instanceof ConnectError && !(error.cause instanceof PyroError);
}

/** What the agent answered about a file, in the words of our errors. */
export function asFileError(error: unknown, path: string): unknown {
  if (!(error instanceof ConnectError) || error.cause instanceof PyroError) return error;
  const text = `${path}: ${error.rawMessage}`;
  const known = fileErrors.get(error.code);
  if (known === undefined) return error;
  const { code, ...options } = known;
  return new PyroError(code, text, { ...options, cause: error });
}

/** Codes with which the agent answers about a file. */
const fileErrors = new Map<Code, { readonly code: ErrorCode; readonly hint?: string }>([
  [Code.NotFound, { code: "not_found", hint: "List the folder to see what is there." }],
  [Code.InvalidArgument, { code: "invalid_argument" }],
  [Code.FailedPrecondition, { code: "failed_precondition" }],
  [Code.ResourceExhausted, { code: "resource_exhausted" }],
  [
    Code.PermissionDenied,
    {
      code: "permission_denied",
      hint: "Only what lies in /workspace itself can be named, not what a link in it leads to elsewhere.",
    },
  ],
]);
