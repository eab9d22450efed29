// Owns a machine that QEMU paused because the host's disk is full: telling callers, and going on when there is room. Never frees any.
import { statfs } from "node:fs/promises";
import { PyroError } from "../../base/error.js";
import { reportFlight } from "../../base/report.js";
import type { MachineSpec, PausedReason } from "../engine.js";
import type { Qmp } from "./qmp.js";

export interface DiskStall {
  reason(): PausedReason | undefined;
  /** Aborted, with `resource_exhausted`, once the machine is paused; a new one after it goes on. */
  signal(): AbortSignal;
}

/** Milliseconds between two looks for room. */
const lookEveryMs = 2000;
/** Bytes that must be free before the machine goes on, so that it does not stop again at once. */
const roomBytes = 256 * 1024 * 1024;

/** Watches a machine whose disk lies on the file system of its folder, until its control connection ends. */
export function watchDiskStall(qmp: Qmp, { id, folder }: Pick<MachineSpec, "id" | "folder">): DiskStall {
  let stalled = new AbortController();
  let timer: NodeJS.Timeout | undefined;

  const look = async () => {
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < roomBytes) return;
    clearInterval(timer);
    timer = undefined;
    stalled = new AbortController();
    await qmp.execute("cont");
  };
  const stall = () => {
    if (timer !== undefined) return;
    reportFlight(id, "The host's disk is full, so it is paused");
    stalled.abort(
      new PyroError("resource_exhausted", "The host's disk is full, so the machine is paused; nothing in it is lost.", {
        hint: `Free at least ${roomBytes / 1024 / 1024} MiB where ${folder} lies; it goes on by itself, then call again.`,
        details: { paused_reason: "host_disk_full" },
      }),
    );
    timer = setInterval(() => void look().catch(() => undefined), lookEveryMs);
    timer.unref();
  };

  qmp.listen((event) => {
    if (event instanceof Error) clearInterval(timer);
    else if (event.name === "BLOCK_IO_ERROR" && event.data["nospace"] === true) stall();
  });
  return {
    reason: () => (timer === undefined ? undefined : "host_disk_full"),
    signal: () => stalled.signal,
  };
}
