// Proves what is said of a QEMU that ends before its machine is there, with programs of this test as the supervisor and as QEMU.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { wholeDisk } from "../../../src/disk/chain.js";
import { EndedAtStart } from "../../../src/engine/ended-at-start.js";
import type { Origin } from "../../../src/engine/engine.js";
import { qemuEngine } from "../../../src/engine/qemu/qemu.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pyro-start-"));
});
afterEach(() => rm(folder, { recursive: true }));

const signal = new AbortController().signal;

/** Runs what follows `--` as the real one does, and ends it when it is told to. */
const supervisor = `#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift
"$@" &
trap 'kill -9 $!' TERM
echo "{\\"pid\\":$!}"
wait $!
echo "{\\"exit_code\\":$?,\\"signal\\":0,\\"reason\\":\\"exited\\"}"
`;

const lastWords = [
  "qemu: Could not access KVM kernel module: No such file or directory",
  "qemu: failed to initialize kvm",
];

/** Does `then` with the control connection, as soon as there is one; \`answer\` answers a command. */
function qemuWithControl(then: string): string {
  return `#!${process.execPath}
const path = process.argv.join(" ").match(/socket,id=qmp,path=([^,]+)/)[1];
const end = () => { process.stderr.write(${JSON.stringify(`${lastWords.join("\n")}\n`)}, () => process.exit(1)); };
require("node:net").createServer((socket) => {
  socket.on("error", () => undefined);
  let text = "";
  socket.on("data", (data) => {
    const commands = (text += data).split("\\n");
    text = commands.pop();
    for (const command of commands.map((line) => JSON.parse(line))) {
      const answer = () => socket.write(JSON.stringify({ return: {}, id: command.id }) + "\\n");
      ${then}
    }
  });
}).listen(path);
`;
}

async function start(qemu: string, origin: Origin = { from: "boot" }): Promise<unknown> {
  const [agentPath, qemuPath] = [join(folder, "agent"), join(folder, "qemu")];
  await writeFile(agentPath, supervisor, { mode: 0o755 });
  await writeFile(qemuPath, qemu, { mode: 0o755 });
  const [home, socketFolder] = [join(folder, "home"), join(folder, "sockets")];
  for (const path of [home, socketFolder]) await mkdir(path);
  const spec = {
    ...{
      id: "vm_1",
      folder: home,
      socketFolder,
      basePath: "/image",
      seedPath: "/image",
      disk: wholeDisk("/image"),
      origin,
    },
    ...{ vcpuCount: 1, memMib: 512, deadlineMs: Date.now() + 60_000 },
  };
  const files = { kernelPath: "/k", initramfsPath: "/i", tscKhz: 2_300_000, fingerprint: "f" };
  return qemuEngine({ ...files, accelerator: "kvm", agentPath, qemuPath })
    .start(spec, signal)
    .catch((error) => error);
}

const words = `The machine ended before it was ready: exited (exit 1, signal 0): ${lastWords.join("; ")}`;

test.for([
  ["before it listens", `#!/bin/sh\nprintf '%s\\n' '${lastWords.join("' '")}' >&2\nexit 1\n`],
  ["when it is spoken to", qemuWithControl("end();")],
  ["without a word to the connection", qemuWithControl("socket.destroy(); setTimeout(end, 100);")],
] as const)("QEMU that ends %s is quoted, and what the machine was to start from is not blamed", async ([, qemu]) => {
  const error = await start(qemu);
  expect(error).toBeInstanceOf(EndedAtStart);
  const said = { parts: expect.arrayContaining([{ call: "doctor", input: { fix: true } }]) };
  expect(error).toMatchObject({ code: "unavailable", message: words, said });
});

test("QEMU that ends over what it is restored from is quoted as well, and that is another thing", async () => {
  const saved = { from: "saved", files: { memoryPath: "/memory", statePath: "/state" } } as const;
  const error = await start(qemuWithControl('command.execute === "migrate-incoming" ? end() : answer();'), saved);
  expect(error).not.toBeInstanceOf(EndedAtStart);
  expect(error).toMatchObject({
    code: "unavailable",
    message: words.replace("before it was ready", "while it was restored"),
  });
});
