// Owns making a machine worth saving: booted, every code path run once, its root mounted on the disk that is saved with it. Never keeps it.
import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { newId } from "../../base/id.js";
import type { Engine } from "../../engine/engine.js";
import { wholeDisk } from "../../disk/chain.js";
import { emptySeed } from "../../disk/empty-seed.js";
import { formatDisk } from "../../disk/formatted-disk.js";
import type { InstalledEnvironment } from "../../environment/environment.js";
import { bootMachine } from "../boot.js";
import { guestEnvironment } from "../../guest/environment.js";
import { runGuestProgram } from "../../process/program.js";
import type { GuestSession } from "../../guest/session.js";
import { giveIdentity } from "../identity.js";
import { machineHome, makeHome, removeHome, type MachineFolders } from "../machine-files.js";
import type { TemplateBuilder } from "./template.js";

export interface BuilderOptions {
  readonly engine: Engine;
  readonly folders: MachineFolders;
  readonly bootTimeoutMs: number;
}

/** Milliseconds after which a machine that is being saved is removed, whatever happens. */
const lifetimeMs = 5 * 60_000;

/** How often the whole cycle runs before saving: the first touches code, the second finds it translated. */
const warmRounds = 2;
/** Milliseconds in which the guest's kernel does what it has put off: once here, rather than after every restore. */
const settleMs = 200;

export function templateBuilder({ engine, folders, bootTimeoutMs }: BuilderOptions): TemplateBuilder {
  return async (subject, target, task) => {
    const { environment, vcpuCount, memMib } = subject;
    const home = machineHome(folders, newId("tpl"));
    await makeHome(home);
    try {
      await formatDisk(target.diskPath, task.signal);
      const spec = {
        ...home,
        seedPath: await emptySeed(folders.cache, task),
        disk: wholeDisk(target.diskPath),
        basePath: environment.imagePath,
        vcpuCount,
        memMib,
        origin: { from: "boot", saveAs: target },
        deadlineMs: Date.now() + lifetimeMs,
      } as const;
      const { machine, session } = await bootMachine({ engine, spec, timeoutMs: bootTimeoutMs }, task.signal);
      try {
        for (let round = 0; round < warmRounds; round += 1) await liveOnce(session, environment, task.signal);
        await getReady(session, environment, task.signal);
        await session.machine.sync({}, { signal: task.signal });
        session[Symbol.dispose]();
        await session.closed;
        await delay(settleMs, undefined, { signal: task.signal });
        await machine.save(task.signal);
        await keepSafe(target.diskPath);
      } finally {
        session[Symbol.dispose]();
        await machine.kill();
      }
    } finally {
      await removeHome(home);
    }
  };
}

/** Nobody writes to it again, and what lies over it must find it after a power cut as well. */
async function keepSafe(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
  await file.chmod(0o400);
}

/** One life in small: identity, mounts with a seed, a program of each kind, and everything taken apart again. */
export async function liveOnce(
  session: GuestSession,
  environment: InstalledEnvironment,
  signal: AbortSignal,
): Promise<void> {
  await giveIdentity(session, { hostname: "template", environment, seeded: true, mounted: false }, signal);
  await runEachKind(session, environment, signal);
  await session.machine.unmount({}, { signal });
}

/** Mounts the root, without a seed, and touches in it what a first program touches. */
export async function getReady(
  session: GuestSession,
  environment: InstalledEnvironment,
  signal: AbortSignal,
): Promise<void> {
  await giveIdentity(session, { hostname: "template", environment, seeded: false, mounted: false }, signal);
  await runEachKind(session, environment, signal);
}

async function runEachKind(session: GuestSession, environment: InstalledEnvironment, signal: AbortSignal) {
  for (const argv of [["/bin/true"], ["/bin/sh", "-c", "echo warm; echo up >&2; cat /etc/hostname"]]) {
    const output = () => Promise.resolve();
    const program = { argv, env: guestEnvironment(environment), cwd: "/workspace", timeoutMs: 20_000, output };
    await runGuestProgram(session, program, signal);
  }
}
