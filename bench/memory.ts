// Owns measuring what a machine takes of the host's memory. Never looks inside a guest but through its agent.
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { figureOf, type Figure } from "./figure.js";
import { settleMs } from "./restores.js";
import { untilPooled } from "./pooled.js";
import type { Measured } from "./row.js";
import type { Subject } from "./subject.js";

const mib = 1024 ** 2;

/** Memory that exists for one machine alone, in the pool and after a create, against what its guest uses. */
export async function measureMemory(subject: Subject, count: number): Promise<Measured> {
  const pooled: number[] = [];
  const created: number[] = [];
  const guest: number[] = [];
  for (let round = 0; round < count; round += 1) {
    const host = await subject.openHost(1);
    const live = await subject.create(host);
    await untilPooled(() => host.pooled());
    await subject.exec(live.session, ["/bin/true"]);
    await delay(settleMs);
    const { memoryTotalBytes, memoryAvailableBytes } = await live.session.machine.hello({});
    const own = processesOf(live.home.socketFolder);
    const all = processesOf(subject.folders.sockets);
    created.push(sum(own.map(privateMib)));
    pooled.push(sum(all.filter((pid) => !own.includes(pid)).map(privateMib)));
    guest.push(Number(memoryTotalBytes - memoryAvailableBytes) / mib);
    await live[Symbol.asyncDispose]();
    await host.close();
  }
  const inUse = figure(guest);
  return {
    rows: [
      {
        id: "memory_created",
        what: "private memory of a created, idle machine, its supervisor included",
        figure: figure(created),
        goal: 64,
        reference: { what: "guest memory in use", figure: inUse, goal: 0.5 },
      },
      { id: "memory_pooled", what: "private memory of a machine in the pool, likewise", figure: figure(pooled) },
    ],
    profiles: [],
  };
}

function figure(samples: readonly number[]): Figure {
  return figureOf(samples, "MiB");
}

/** Processes with that text in their command line: QEMU and its supervisor. */
function processesOf(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name) && readOr(`/proc/${name}/cmdline`, "").includes(text))
    .map(Number);
}

/** Anonymous memory: what was written after the copy-on-write mapping, the translated code, the heap. */
function privateMib(pid: number): number {
  const kib = /^Anonymous:\s+(\d+) kB$/mu.exec(readOr(`/proc/${pid}/smaps_rollup`, ""))?.[1];
  return Number(kib ?? 0) / 1024;
}

/** A process may end while it is looked at. */
function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
