// Owns moving a QEMU's device state out to a file and back in; memory stays in its own file. Never touches that.
import { createReadStream, createWriteStream } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { PyroError } from "../../base/error.js";
import type { Qmp } from "./qmp.js";

const capabilities = {
  capabilities: ["x-ignore-shared", "events"].map((capability) => ({ capability, state: true })),
};

export interface Transfer {
  readonly qmp: Qmp;
  /** Folder for the socket of the transfer. */
  readonly socketFolder: string;
  readonly statePath: string;
}

/** Pauses the machine and writes its device state. QEMU may run no program, so it writes to a socket of ours. */
export async function saveState({ qmp, socketFolder, statePath }: Transfer, signal: AbortSignal): Promise<void> {
  const socketPath = join(socketFolder, "save.sock");
  const server = createServer();
  try {
    server.listen(socketPath);
    await once(server, "listening", { signal });
    const accepted = once(server, "connection", { signal });
    accepted.catch(() => undefined);
    await qmp.execute("stop");
    await qmp.execute("migrate-set-capabilities", capabilities);
    const completed = migrationEnd(qmp, signal);
    await qmp.execute("migrate", { uri: `unix:${socketPath}` });
    const [socket] = (await accepted) as [Socket];
    await pipeline(socket, createWriteStream(statePath, { mode: 0o600, flush: true }), { signal });
    await completed;
  } finally {
    server.close();
  }
}

/** Fills a QEMU that was started with `-incoming defer`; it stays paused. */
export async function loadState({ qmp, socketFolder, statePath }: Transfer, signal: AbortSignal): Promise<void> {
  const socketPath = join(socketFolder, "load.sock");
  await qmp.execute("migrate-set-capabilities", capabilities);
  const completed = migrationEnd(qmp, signal);
  await qmp.execute("migrate-incoming", { uri: `unix:${socketPath}` });
  const socket = createConnection(socketPath);
  try {
    // QEMU hangs up as soon as it has all it needs, at times before we have finished: only its own verdict counts.
    pipeline(createReadStream(statePath), socket, { signal }).catch(() => undefined);
    await completed;
  } finally {
    socket.destroy();
  }
}

/** Nobody may be waiting for it any more when it fails. */
function migrationEnd(qmp: Qmp, signal: AbortSignal): Promise<void> {
  const end = waitForMigration(qmp, signal);
  end.catch(() => undefined);
  return end;
}

async function waitForMigration(qmp: Qmp, signal: AbortSignal): Promise<void> {
  const { data } = await qmp.waitForEvent(
    (event) => event.name === "MIGRATION" && ["completed", "failed"].includes(String(event.data["status"])),
    signal,
  );
  if (data["status"] !== "completed") throw new PyroError("internal", "QEMU could not move a machine's state.");
}
