// Owns measuring what comes before the first restore: a cold boot and the making of a template. Never measures a restore.
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { bootMachine } from "../src/machine/boot.js";
import { bootDrives } from "../src/machine/machine-drives.js";
import { machineHome, makeHome, removeHome } from "../src/machine/machine-files.js";
import { templateBuilder } from "../src/machine/saved/template-builder.js";
import { alternate, timed } from "./figure.js";
import type { Measured } from "./row.js";
import { memMib, task, type Subject } from "./subject.js";

/** Kernel, agent and template from nothing. */
export async function measureBoots(subject: Subject, count: number): Promise<Measured> {
  const { engine, folders, environment } = subject;
  const build = templateBuilder({ engine, folders, bootTimeoutMs });
  const machine = { environment, vcpuCount: 1, memMib };
  const figures = await alternate(count, {
    boot: () => bootOnce(subject),
    template: async () => {
      const folder = await mkdtemp(join(folders.cache, "bench-"));
      const at = (name: string) => join(folder, name);
      const target = { memoryPath: at("memory"), statePath: at("state"), diskPath: at("disk"), basePath: at("base") };
      const took = await timed(() => build(machine, target, task));
      await rm(folder, { recursive: true });
      return took;
    },
  });
  return {
    rows: [
      { id: "boot", what: "cold boot → agent answers", figure: figures.boot },
      { id: "template", what: "template: boot, warm up, save", figure: figures.template },
    ],
    profiles: [],
  };
}

const bootTimeoutMs = 60_000;

async function bootOnce({ engine, folders, environment }: Subject): Promise<number> {
  const home = machineHome(folders, "vm_bench");
  await makeHome(home);
  const spec = {
    ...home,
    ...(await bootDrives({ folders, home, wanted: undefined }, task)),
    basePath: environment.imagePath,
    ...{ vcpuCount: 1, memMib, deadlineMs: Date.now() + 2 * bootTimeoutMs },
    origin: { from: "boot" },
  } as const;
  const started = performance.now();
  const { machine, session } = await bootMachine({ engine, spec, timeoutMs: bootTimeoutMs }, task.signal);
  const took = performance.now() - started;
  session[Symbol.dispose]();
  await machine.kill();
  await removeHome(home);
  return took;
}
