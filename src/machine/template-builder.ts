// Owns making a machine worth saving: booted, with every code path run once, nothing of its own mounted. Never keeps it.
import { newId } from "../base/id.js";
import type { Engine } from "../engine/engine.js";
import type { InstalledEnvironment } from "../environment/environment.js";
import { bootMachine } from "./boot.js";
import { guestEnvironment } from "./guest-files.js";
import { runGuestProgram } from "./guest-process.js";
import type { GuestSession } from "./guest-session.js";
import { giveIdentity } from "./identity.js";
import { freshDrives, machineHome, makeHome, removeHome, type MachineFolders } from "./machine-files.js";
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

export function templateBuilder({ engine, folders, bootTimeoutMs }: BuilderOptions): TemplateBuilder {
  return async (subject, target, task) => {
    const { environment, vcpuCount, memMib } = subject;
    task.progress({ phase: "template", message: `Preparing ${environment.name} for instant starts (once)` });
    const home = machineHome(folders, newId("tpl"));
    await makeHome(home);
    try {
      const spec = {
        ...home,
        ...(await freshDrives(folders, home, task)),
        base: { path: environment.imagePath, format: "raw" },
        vcpuCount,
        memMib,
        memory: { from: "boot-to-file", path: target.memoryPath },
        deadlineMs: Date.now() + lifetimeMs,
      } as const;
      const { machine, session } = await bootMachine({ engine, spec, timeoutMs: bootTimeoutMs }, task.signal);
      try {
        for (let round = 0; round < warmRounds; round += 1) await warmUp(session, environment, task.signal);
        session[Symbol.dispose]();
        await session.closed;
        await machine.save(target.statePath, task.signal);
      } finally {
        session[Symbol.dispose]();
        await machine.kill();
      }
    } finally {
      await removeHome(home);
    }
  };
}

/** One life in small: identity, mounts, a program of each kind, and everything taken apart again. */
export async function warmUp(
  session: GuestSession,
  environment: InstalledEnvironment,
  signal: AbortSignal,
): Promise<void> {
  await giveIdentity(session, { hostname: "template", environment, seeded: false }, signal);
  for (const argv of [["/bin/true"], ["/bin/sh", "-c", "echo warm; echo up >&2; cat /etc/hostname"]]) {
    const output = () => Promise.resolve();
    const program = { argv, env: guestEnvironment(environment), cwd: "/workspace", timeoutMs: 20_000, output };
    await runGuestProgram(session, program, signal);
  }
  await session.machine.unmount({}, { signal });
}
