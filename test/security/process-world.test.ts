// Proves that a machine of another container, which shares our folders, is not taken for a dead one. Starts no machine.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { adoptMachines } from "../../src/machine/adoption.js";
import { writeMachineRecord } from "../../src/machine/machine-record.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pyro-process-world-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A machine whose process number nobody has here; what follows is changed in where that number counts. */
async function keep(id: string, change: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(root, "state", "machines", id);
  mkdirSync(folder, { recursive: true });
  await writeMachineRecord(folder, {
    ...{ format: 1, id, process: { pid: 4_194_303, startTicks: 1 }, engine: "qemu", accelerator: "kvm" },
    ...{ environment: "debian:12", vcpu_count: 1, mem_mib: 512 },
  });
  const path = join(folder, "process-world.json");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...change }));
  return folder;
}

test("of machines without a process here, those of another container stay, and the dead ones go", async () => {
  const folders = { state: join(root, "state"), sockets: join(root, "run"), cache: join(root, "cache") };
  const here = await keep("vm_aaaaaaaaaaaa", {});
  const elsewhere = await keep("vm_bbbbbbbbbbbb", { namespace: "pid:[1]" });
  const earlierBoot = await keep("vm_cccccccccccc", { namespace: "pid:[1]", boot_id: "earlier" });
  const adopters = new Map([["qemu", () => Promise.reject(new Error("nothing to adopt"))]]);
  expect(await adoptMachines(folders, adopters)).toEqual({ adopted: [], unsteered: [] });
  expect([here, elsewhere, earlierBoot].map((folder) => existsSync(folder))).toEqual([false, true, false]);
});
