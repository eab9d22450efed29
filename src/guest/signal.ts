// Owns who in a machine gets a signal: a program's group, or its whole tree. Never knows what a signal does.
import { SignalTarget } from "./gen/pyro/guest/v1/guest_pb.js";
import type { GuestSession } from "./session.js";
import type { GuestCall } from "./bounded-client.js";

export interface SentSignal {
  readonly processId: string;
  /** 1 to 64. */
  readonly signal: number;
}

/** The program's process group; on a terminal, the foreground one. */
export async function signalGroup(session: GuestSession, sent: SentSignal): Promise<void> {
  await session.processes.signal({ ...sent, target: SignalTarget.GROUP });
}

const kill = 9;

/** Everything that the program has started and that still runs, the program included. */
export async function killTree(session: GuestSession, processId: string, call?: GuestCall): Promise<void> {
  await session.processes.signal({ processId, signal: kill, target: SignalTarget.TREE }, call);
}
