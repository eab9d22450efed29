// Owns making one pool machine: restored, taken through a whole life once, paused. Never lets it out half made.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { newId } from "../../base/id.js";
import type { Engine } from "../../engine/engine.js";
import { layOver } from "../../disk/chain.js";
import { emptySeed } from "../../disk/empty-seed.js";
import { bootMachine } from "../boot.js";
import { machineHome, makeHome, removeHome, type MachineFolders } from "../machine-files.js";
import type { PoolOptions } from "./pool.js";
import { getReady, liveOnce } from "../saved/template-builder.js";

export interface MemberOptions {
  readonly engine: Engine;
  readonly folders: MachineFolders;
  readonly restoreTimeoutMs: number;
  /** Milliseconds after which an unclaimed machine is removed, whatever happens. */
  readonly lifetimeMs: number;
}

/** Milliseconds in which its guest comes to rest. */
const settleMs = 50;

export function memberMaker({ engine, folders, restoreTimeoutMs, lifetimeMs }: MemberOptions): PoolOptions["make"] {
  return async (subject, template, signal) => {
    const home = machineHome(folders, newId("vm"));
    await makeHome(home);
    try {
      const diskPath = join(home.folder, "disk.qcow2");
      const spec = {
        ...home,
        seedPath: await emptySeed(folders.cache, { signal }),
        disk: await layOver(template.diskPath, diskPath),
        basePath: template.basePath,
        vcpuCount: subject.vcpuCount,
        memMib: subject.memMib,
        origin: { from: "saved", files: template },
        deadlineMs: Date.now() + lifetimeMs,
      } as const;
      const { machine, session } = await bootMachine({ engine, spec, timeoutMs: restoreTimeoutMs }, signal);
      try {
        // Code that ran once in this very process is translated: a claim finds it ready.
        await session.machine.unmount({}, { signal });
        await liveOnce(session, subject.environment, signal);
        await getReady(session, subject.environment, signal);
        session[Symbol.dispose]();
        await session.closed;
        await delay(settleMs, undefined, { signal });
        await machine.pause();
        return { machine, home, diskPath };
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
