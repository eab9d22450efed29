// Owns making one pool machine: restored, taken through a whole life once, paused. Never lets it out half made.
import { newId } from "../base/id.js";
import type { Engine } from "../engine/engine.js";
import { bootMachine } from "./boot.js";
import { freshDrives, machineHome, makeHome, removeHome, type MachineFolders } from "./machine-files.js";
import type { PoolOptions } from "./pool.js";
import { warmUp } from "./template-builder.js";

export interface MemberOptions {
  readonly engine: Engine;
  readonly folders: MachineFolders;
  readonly restoreTimeoutMs: number;
  /** Milliseconds after which an unclaimed machine is removed, whatever happens. */
  readonly lifetimeMs: number;
}

export function memberMaker({ engine, folders, restoreTimeoutMs, lifetimeMs }: MemberOptions): PoolOptions["make"] {
  return async (subject, template, signal) => {
    const home = machineHome(folders, newId("vm"));
    await makeHome(home);
    try {
      const spec = {
        ...home,
        ...(await freshDrives(folders, home, { signal, progress: () => undefined })),
        base: { path: subject.environment.imagePath, format: "raw" },
        vcpuCount: subject.vcpuCount,
        memMib: subject.memMib,
        memory: { from: "saved", memoryPath: template.memoryPath, statePath: template.statePath },
        deadlineMs: Date.now() + lifetimeMs,
      } as const;
      const { machine, session } = await bootMachine({ engine, spec, timeoutMs: restoreTimeoutMs }, signal);
      try {
        // Code that ran once in this very process is translated: a claim finds it ready.
        await warmUp(session, subject.environment, signal);
        session[Symbol.dispose]();
        await session.closed;
        await machine.pause();
        return { machine, home };
      } catch (error) {
        session[Symbol.dispose]();
        await machine.kill();
        throw error;
      }
    } catch (error) {
      await removeHome(home);
      throw error;
    }
  };
}
