// Owns connecting to a socket that a starting program is about to make. Never waits for a program that has ended.
import { watch } from "node:fs";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { hasErrno } from "../../base/error.js";
import { EndedAtStart } from "../ended-at-start.js";
import type { MachineExit } from "../engine.js";

export interface PendingSocket {
  readonly folder: string;
  readonly name: string;
  readonly exited: Promise<MachineExit>;
}

/** Milliseconds until the socket must be there, generous for a machine under load. */
const timeoutMs = 20_000;
/** Milliseconds until a socket that refused is tried again. */
const refusedPauseMs = 20;

/** Connects as soon as the socket is there, woken by the folder's change. */
export async function connectWhenReady(pending: PendingSocket, signal: AbortSignal): Promise<Socket> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const gone = pending.exited.then((exit) => {
    throw new EndedAtStart(exit.reason);
  });
  gone.catch(() => undefined);
  const watcher = watch(pending.folder);
  let wake = () => undefined as void;
  watcher.on("change", () => wake());
  try {
    for (;;) {
      until.throwIfAborted();
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const socket = await tryConnect(join(pending.folder, pending.name));
      if (socket !== undefined) return socket;
      // Between bind and listen a connection is refused without a further change of the folder.
      await Promise.race([changed, gone, pause(refusedPauseMs)]);
    }
  } finally {
    watcher.close();
  }
}

async function tryConnect(path: string): Promise<Socket | undefined> {
  const socket = createConnection(path);
  try {
    await once(socket, "connect");
    return socket;
  } catch (error) {
    socket.destroy();
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ECONNREFUSED")) return undefined;
    throw error;
  }
}
