// Owns `daemon.json`, by which clients find the daemon of a state folder. Never connects to it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { hasErrno } from "../base/error.js";
import type { Paths } from "../base/paths.js";

const record = z.object({
  pid: z.int().positive(),
  socket: z.string(),
  version: z.string(),
  /** Of the lines on the socket. */
  protocol: z.int(),
  /** Tells builds of one version apart. */
  build: z.string(),
  started_at: z.string(),
});

export type DaemonRecord = z.output<typeof record>;

export const daemonRecordPath = (paths: Paths) => join(paths.state, "daemon.json");
export const daemonSocketPath = (paths: Paths) => join(paths.sockets, "daemon.sock");
export const daemonLockPath = (paths: Paths) => join(paths.state, "daemon.lock");
export const daemonLogPath = (paths: Paths) => join(paths.state, "daemon.log");
/** What its process prints by itself: as a rule nothing. */
export const daemonStderrPath = (paths: Paths) => join(paths.state, "daemon.stderr");

/** The record, or undefined when there is none or it cannot be read as one. */
export async function readDaemonRecord(paths: Paths): Promise<DaemonRecord | undefined> {
  try {
    return record.parse(JSON.parse(await readFile(daemonRecordPath(paths), "utf8")));
  } catch (error) {
    if (hasErrno(error, "EACCES")) throw error;
    return undefined;
  }
}
