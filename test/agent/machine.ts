// Owns a live machine of tests, around whatever agent speaks on a session. Never starts one.

import type { GuestSession } from "../../src/guest/session.js";
import type { LiveMachine } from "../../src/machine/machine-host.js";

export interface TestMachine {
  readonly live: LiveMachine;
  /** How often it was killed. */
  readonly kills: () => number;
}

/** Killing it closes the stream, and then ends what `end` says. */
export function machineWith(
  session: GuestSession,
  { id, end }: { readonly id: string; readonly end?: () => Promise<void> },
): TestMachine {
  let kills = 0;
  let ended = (): void => undefined;
  const exited = new Promise<{ reason: string }>((resolve) => {
    ended = () => resolve({ reason: "killed" });
  });
  const never = new AbortController().signal;
  const kill = async () => {
    kills += 1;
    session[Symbol.dispose]();
    await end?.();
    ended();
    await session.closed;
  };
  const home = { id, folder: "/nowhere", socketFolder: "/nowhere" };
  const machine: LiveMachine["machine"] = {
    ...{ id: home.id, engine: "none", accelerator: "none", pid: process.pid, exited, kill },
    channel: () => Promise.reject(new Error("It has one already.")),
    pause: () => Promise.resolve(),
    resume: () => Promise.resolve(),
    attach: () => Promise.resolve(),
    save: () => Promise.resolve(),
    consoleTail: () => Promise.resolve(""),
    extend: () => Promise.resolve(),
    detach: () => undefined,
    pausedReason: () => undefined,
    stalled: () => never,
  };
  const live: LiveMachine = {
    ...{ id: home.id, machine, session, home, start: "booted", mounted: true },
    [Symbol.asyncDispose]: kill,
  };
  return { live, kills: () => kills };
}
