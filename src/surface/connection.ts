// Owns how every surface calls an operation through a connector. Never knows which surface asks.
import { resolve } from "node:path";
import { PyroError, asPyroError } from "../base/error.js";
import type { CallOptions } from "../client/call.js";
import type { Operation } from "../operations/operation.js";
import type { CallerParts } from "../operations/parts.js";
import { carry, type Carried } from "./carry.js";

export interface Connection {
  call(name: string, input: unknown, options?: CallOptions): Promise<unknown>;
}

export interface Connector {
  /** The daemon, started where none runs. */
  start(): Promise<Connection>;
  /** The running daemon, or undefined. */
  find(): Promise<Connection | undefined>;
  /** What operations use that run in this process. */
  here(): Promise<CallerParts>;
}

export interface OperationCall {
  readonly operation: Operation;
  /** In wire names, checked by the surface, before a daemon is started for it; the daemon checks at its own door. */
  readonly input: WireInput;
}

export type WireInput = Readonly<Record<string, unknown>>;
export type WireResult = Readonly<Record<string, unknown>>;

/** Calls one operation; every failure is a PyroError, an aborted signal a `canceled` one unless its reason says more. */
export async function callOperation(
  connector: Connector,
  { operation, input }: OperationCall,
  options: CallOptions = {},
): Promise<WireResult> {
  let carried: Carried = { input, options };
  try {
    options.signal?.throwIfAborted();
    carried = await carry({ operation, input: withAbsolutePaths(operation, input) }, options);
    return operation.output.parse(await perform(connector, { operation, input: carried.input }, carried.options));
  } catch (error) {
    const { signal } = carried.options;
    throw signal?.aborted === true ? abortReason(signal) : asPyroError(error);
  } finally {
    carried.opened?.destroy();
  }
}

/** The daemon has a working folder of its own. */
function withAbsolutePaths({ hostPaths = {} }: Operation, input: WireInput): WireInput {
  const given = Object.keys(hostPaths).filter((field) => input[field] !== undefined);
  return { ...input, ...Object.fromEntries(given.map((field) => [field, absolute(input[field])])) };
}

function absolute(paths: unknown): unknown {
  if (Array.isArray(paths)) return paths.map(absolute);
  return typeof paths === "string" ? resolve(paths) : paths;
}

async function perform(
  connector: Connector,
  { operation, input }: OperationCall,
  options: CallOptions,
): Promise<unknown> {
  if (operation.inCaller !== undefined) {
    const { signal = new AbortController().signal, onProgress: progress = () => undefined, onPart } = options;
    const part = async (result: unknown) => onPart?.(operation.output.parse(result));
    return operation.inCaller(await connector.here(), input, { signal, progress, part });
  }
  const connection = await abortable(connect(connector, operation), options.signal);
  return connection === undefined ? operation.withoutDaemon : connection.call(operation.name, input, options);
}

function connect(connector: Connector, operation: Operation): Promise<Connection | undefined> {
  return operation.withoutDaemon === undefined ? connector.start() : connector.find();
}

function abortReason(signal: AbortSignal): PyroError {
  const reason: unknown = signal.reason;
  return reason instanceof PyroError ? reason : new PyroError("canceled", "The call was canceled.", { cause: reason });
}

/** A start that nobody waits for any more goes on by itself: the daemon is of use to the next call. */
async function abortable<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return work;
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(abortReason(signal));
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
    work.catch(() => undefined);
  }
}
