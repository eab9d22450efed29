// Owns passing standard input on to a program, in its own time. Never holds more than one piece of it.
import type { Readable } from "node:stream";
import { PyroError } from "../base/error.js";
import type { GuestSession } from "../guest/session.js";

const maxInputBytes = 262_144;
/** Milliseconds that one piece of input may wait for its reader, before the same is sent again. */
const inputMs = 60_000;

export interface GuestInput {
  readonly session: GuestSession;
  readonly processId: string;
  readonly stdin: Readable | undefined;
}

/** Passes standard input on, in its own time, until it ends or nobody reads it any more. */
export async function pumpGuestInput({ session, processId, stdin }: GuestInput, signal: AbortSignal): Promise<void> {
  if (stdin === undefined) return;
  let offset = 0n;
  const write = (data: Uint8Array<ArrayBuffer>, end: boolean) =>
    takenInput(session, { processId, offset, data, end }, signal);
  const onAbort = () => void stdin.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  for await (const piece of stdin) {
    const bytes = Uint8Array.from(piece as Buffer);
    for (let at = 0; at < bytes.length; at += maxInputBytes) {
      const part = bytes.slice(at, at + maxInputBytes);
      const { closed } = await write(part, false);
      if (closed) return;
      offset += BigInt(part.length);
    }
  }
  await write(new Uint8Array(), true);
}

/** A program may leave its input unread for as long as it likes: what was taken is not taken twice. */
async function takenInput(
  session: GuestSession,
  input: { processId: string; offset: bigint; data: Uint8Array<ArrayBuffer>; end: boolean },
  signal: AbortSignal,
) {
  for (;;) {
    try {
      return await session.processes.writeInput(input, { signal, bound: { totalMs: inputMs } });
    } catch (error) {
      if (!(error instanceof PyroError) || error.code !== "deadline_exceeded") throw error;
      signal.throwIfAborted();
    }
  }
}
