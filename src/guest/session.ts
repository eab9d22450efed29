// Owns the connection to the agent inside a machine: preface, HTTP/2, typed clients. Never trusts what comes back.
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { PyroError } from "../base/error.js";
import { guestFault } from "../base/guest-fault.js";
import { stageDone } from "../base/stage.js";
import { boundedClient, type BoundedClient } from "./bounded-client.js";
import { maxMessageBytes } from "./allowance.js";
import { explainFailures } from "./errors.js";
import { FileService } from "./gen/pyro/guest/v1/files_pb.js";
import { MachineService, ProcessService } from "./gen/pyro/guest/v1/guest_pb.js";
import { hostTicks, openGuestTime, type GuestTime, type Ticks } from "./time.js";

export interface GuestSession extends Disposable {
  readonly machine: BoundedClient<typeof MachineService>;
  readonly processes: BoundedClient<typeof ProcessService>;
  readonly files: BoundedClient<typeof FileService>;
  readonly time: GuestTime;
  /** What an agent of an earlier version cannot do. */
  readonly abilities: AgentAbilities;
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;
}

export interface AgentAbilities {
  /** Says that it is there while a program is silent. */
  readonly heartbeats: boolean;
  /** Writes one file by itself, through links and without a staging folder. */
  readonly writesFiles: boolean;
  /** Keeps what a program leaves in the background, and what that prints. */
  readonly keepsBackground: boolean;
}

/** As the agent names them in its answer to Hello. */
export function abilitiesOf(capabilities: readonly string[]): AgentAbilities {
  return {
    heartbeats: capabilities.includes("heartbeats"),
    writesFiles: capabilities.includes("write_file"),
    keepsBackground: capabilities.includes("background"),
  };
}

/** Must equal the agent's; a machine of another version is stopped, its disk kept. */
export const guestProtocolVersion = 1;

/** Bytes in flight per stream. */
const windowBytes = 1024 * 1024;

export interface GuestChannel {
  /** Of the machine, for whoever listens to its stages. */
  readonly id?: string;
  readonly channel: Duplex;
  /** Whether the machine stands still for now; such time does not count. */
  readonly isPaused?: () => boolean;
  readonly ticks?: Ticks;
}

/** Agrees with the agent on a fresh session over the channel, which the session then owns. */
export async function openGuestSession(
  { id = "", channel, isPaused = () => false, ticks = hostTicks }: GuestChannel,
  signal: AbortSignal,
): Promise<GuestSession> {
  try {
    await agreeOnSession(channel, signal);
  } catch (error) {
    channel.destroy();
    throw error;
  }
  const closed = new Promise<void>((resolve) => channel.once("close", resolve));
  channel.on("error", () => undefined);
  const transport = createConnectTransport({
    baseUrl: "http://guest",
    httpVersion: "2",
    useBinaryFormat: true,
    readMaxBytes: maxMessageBytes,
    interceptors: [explainFailures, tellStages(id)],
    idleConnectionTimeoutMs: 2 ** 31 - 1,
    nodeOptions: { createConnection: () => channel, settings: { initialWindowSize: windowBytes, enablePush: false } },
  });
  const time = openGuestTime(ticks, isPaused);
  return {
    machine: boundedClient(MachineService, transport, time),
    processes: boundedClient(ProcessService, transport, time),
    files: boundedClient(FileService, transport, time),
    time,
    abilities: abilitiesOf([]),
    closed,
    [Symbol.dispose]: () => void channel.destroy(),
  };
}

/** Each call and its answer, or the first of its answers, by name: never what is in them. */
function tellStages(id: string): Interceptor {
  return (next) => async (request) => {
    stageDone(id, `> ${request.method.name}`, "guest");
    try {
      const response = await next(request);
      stageDone(id, `< ${request.method.name}`, "guest");
      return response;
    } catch (error) {
      stageDone(id, `< ${request.method.name} failed`, "guest");
      throw error;
    }
  };
}

/**
 * Sends `PYRO/1 <nonce>` and waits until the agent has echoed it. Bytes of a dead session can still sit in
 * the machine's queues: whatever comes before the echo is dropped. Nothing comes right behind it, since the
 * agent waits for our first HTTP/2 byte.
 */
async function agreeOnSession(channel: Duplex, signal: AbortSignal): Promise<void> {
  const line = Buffer.from(`PYRO/1 ${randomBytes(16).toString("hex")}\n`);
  let seen = Buffer.alloc(0);
  await new Promise<void>((resolve, reject) => {
    const finish = (error?: Error) => {
      channel.off("data", onData).off("close", onClose).off("error", finish);
      signal.removeEventListener("abort", onAbort);
      channel.pause();
      if (error === undefined) resolve();
      else reject(error);
    };
    const onData = (data: Buffer) => {
      seen = Buffer.concat([seen, data]);
      const at = seen.indexOf(line);
      if (at === -1) seen = seen.subarray(Math.max(0, seen.length - line.length + 1));
      else if (at + line.length === seen.length) finish();
      else finish(guestFault("The guest agent spoke before it was asked."));
    };
    const onClose = () => finish(new PyroError("unavailable", "The machine closed its channel."));
    const onAbort = () => finish(asError(signal.reason));
    channel.on("data", onData).once("close", onClose).once("error", finish);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    else channel.write(line);
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
