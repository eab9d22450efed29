// Owns exporting all of a hostile guest's workspace to a path of this host, as an ordinary call does. Never confines it.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GuestSession } from "../../src/guest/session.js";
import { openExports } from "../../src/tree/export/exports.js";
import { exportFrom } from "../../src/workspace/files/transfer.js";

export async function exportOut(session: GuestSession, outputPath: string): Promise<unknown> {
  const state = mkdtempSync(join(tmpdir(), "pyro-export-state-"));
  try {
    mkdirSync(join(state, "state"));
    const parts = { exports: await openExports(join(state, "state")) };
    const request = { path: "", outputPath, force: false };
    const task = { signal: new AbortController().signal, progress: () => undefined };
    return await exportFrom(parts, { session, request }, task);
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}
