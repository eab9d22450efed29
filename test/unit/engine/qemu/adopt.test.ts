// Proves that taking over a machine whose QEMU stands still takes no longer than its caller allows.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { identifyProcess } from "../../../../src/base/process-identity.js";
import { qmpSocketName } from "../../../../src/engine/qemu/arguments.js";
import { adoptQemu } from "../../../../src/engine/qemu/qemu.js";

test("a QEMU that takes the connection and never answers is given up when the caller says so, for the caller's reason", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pyro-adopt-"));
  const frozen = createServer().listen(join(folder, qmpSocketName));
  await once(frozen, "listening");
  const itself = await identifyProcess(process.pid);
  if (itself === undefined) throw new Error("this process is not known");
  const caller = new AbortController();
  frozen.on("connection", (socket) => {
    socket.on("error", () => undefined);
    // It has been asked by then.
    socket.once("data", () => caller.abort(new Error("enough")));
  });
  const kept = { id: "vm_1", folder, socketFolder: folder, process: itself, accelerator: "tcg" };
  await expect(adoptQemu(kept, caller.signal)).rejects.toThrow("enough");
  frozen.close();
  rmSync(folder, { recursive: true });
});
