// Owns workspaces whose machines are hostile guests, or what a test makes: no engine, no environment, real records and locks. Never starts a process.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Task } from "../../src/base/progress.js";
import type { EnvironmentStore } from "../../src/environment/environment.js";
import type { MachineHost } from "../../src/machine/machine-host.js";
import type { WorkspaceSeed } from "../../src/workspace/record/record.js";
import { WorkspaceStore } from "../../src/workspace/record/store.js";
import { openExports } from "../../src/tree/export/exports.js";
import type { Need, Needing } from "../../src/workspace/access.js";
import { openWorkspaces, type Workspaces } from "../../src/workspace/workspaces.js";
import type { TestMachine } from "../agent/machine.js";
import { openHostileGuest, type Lies } from "./hostile-guest.js";

export interface World extends AsyncDisposable {
  readonly folder: string;
  readonly store: WorkspaceStore;
  readonly offered: Workspaces;
  readonly machines: MachineHost;
  /** Every machine that was started, in order. */
  readonly guests: readonly WorldGuest[];
  /** A new workspace, running. */
  create(): Promise<string>;
}

/** What a machine of such a world is, besides being live. */
export type WorldGuest = TestMachine & AsyncDisposable;

/** Its machines agree to everything that makes and unmakes them, unless `lies` say otherwise. */
export function openWorld(lies: Lies, parent = tmpdir()): Promise<World> {
  const machine = { unmount: () => Promise.resolve({}), ...lies.machine };
  return openWorldOf(() => openHostileGuest({ ...lies, machine }), parent);
}

/** Its machines are what `openGuest` makes. */
export async function openWorldOf(openGuest: () => Promise<WorldGuest>, parent = tmpdir()): Promise<World> {
  const folder = mkdtempSync(join(parent, "pyro-world-"));
  const shared = (name: string) => join(folder, name);
  for (const name of ["image", "seed", "manifest"]) writeFileSync(shared(name), name);
  mkdirSync(shared("state"));
  const store = await WorkspaceStore.open(shared("state"));
  const guests: WorldGuest[] = [];
  const machines: MachineHost = {
    create: async () => {
      const guest = await openGuest();
      guests.push(guest);
      return guest.live;
    },
    saveTemplate: () => Promise.reject(new Error("It has none.")),
    fillPool: () => Promise.resolve(0),
    adopted: [],
    unsteered: [],
    close: () => Promise.resolve(),
    count: () => guests.length,
    pooled: () => 0,
    engine: () => {
      throw new Error("It has none.");
    },
  };
  const environment = {
    ...{ name: "debian:12", imagePath: shared("image"), imageDigest: "", imageBytes: 5, env: [], source: "" },
    installedAt: "",
  };
  const seed: WorkspaceSeed = {
    ...{ mode: "empty", origin_kind: "none", origin_ref: null, commit: null, file_count: 0, byte_count: 0 },
    ...{ skipped: [], digest: "" },
  };
  const offered = openWorkspaces({
    ...{ store, machines, unusable: undefined, shutdown: new AbortController().signal },
    environments: { find: () => Promise.resolve(environment) } as unknown as EnvironmentStore,
    prepareSeed: () => Promise.resolve({ imagePath: shared("seed"), manifestPath: shared("manifest"), facts: seed }),
    exports: await openExports(shared("state")),
    openHostTree: () => Promise.reject(new Error("There is none.")),
    openHostFile: () => Promise.reject(new Error("There is none.")),
  });
  return {
    ...{ folder, store, offered, machines, guests },
    create: async () => {
      const request = {
        ...{ environment: "debian:12", labels: {}, vcpuCount: 1, memMib: 128, ttlSeconds: 60 },
        ...{ waitMs: 60_000, seed: {} },
      };
      return (await offered.create(request, caller())).id;
    },
    [Symbol.asyncDispose]: async () => {
      for (const guest of guests) await guest[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function caller(signal: AbortSignal = new AbortController().signal): Task {
  return { signal, progress: () => undefined };
}

/** A call with what its operation needs. */
export function needing<Needs extends Need>(needs: Needs): Needing<Needs> {
  return { ...caller(), needs };
}
