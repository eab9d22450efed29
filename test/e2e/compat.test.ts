// Proves what the sandbox for hosts without machines does, what it keeps from the host, and that nobody gets it unasked.

import { expect, test } from "vitest";
import { eventually } from "./eventually.js";
import { openHome, type Home, type HomeCommandOptions } from "./home.js";
import { fieldsOf } from "./processes.js";

const note = "pyro: The command ran in a sandbox on this host (host_compat), not in a virtual machine.\n";

test("[compat-run] output, input and exit code pass through, and the result names the engine", async () => {
  await using home = sandboxHome();
  const script = "cat; echo err >&2; exit 7";
  const plain = await inSandbox(home, ["sh", "-c", script], { stdin: Buffer.from("in\n") });
  expect([plain.code, plain.stdout.toString()]).toEqual([7, "in\n"]);
  expect(plain.stderr).toContain(`err\n${note}`);
  const json = await inSandbox(home, ["sh", "-c", script], { flags: ["--json"] });
  expect([json.code, JSON.parse(json.stdout.toString())]).toEqual([
    7,
    {
      ...{ environment: "debian:12", engine: "host_compat", accelerator: "none", state: "exited", exit_code: 7 },
      ...{ signal: null, timed_out: false, canceled: false },
      ...{ oom_killed: false, duration_ms: expect.any(Number) as number, stdout: "", stderr: "err\n" },
      ...{ stdout_truncated: false, stderr_truncated: false, dropped_bytes: 0 },
    },
  ]);
  await home.emptied();
});

test("[compat-run] a timeout takes children along that have left the session; read-only folders are removed", async () => {
  await using home = sandboxHome();
  const script = "mkdir -p d/e; touch d/e/f; chmod 555 d/e d; setsid sleep 98765 & sleep 98765";
  const { code } = await inSandbox(home, ["sh", "-c", script], { flags: ["--timeout-seconds", "1"] });
  expect(code).toBe(124);
  await home.emptied();
  expect(home.processes().flatMap(({ pid }) => fieldsOf(pid, "cmdline"))).not.toContain("98765");
});

test("[compat-run] [signal-forwarded] Ctrl-C reaches the program, whose exit decides", async () => {
  await using home = sandboxHome();
  const script = 'trap "exit 9" INT; echo ready; while :; do sleep 0.05; done';
  const started = home.start(["run", "--allow-host-compat", "debian:12", "--", "sh", "-c", script]);
  await started.printed("ready\n");
  started.child.kill("SIGINT");
  expect((await started.finished).code).toBe(9);
});

test("[compat-confined] nothing of the host is seen: files, names, processes, network, descriptors", async () => {
  await using home = sandboxHome();
  const script = `
    id -u; pwd; hostname; cat /etc/hostname; find /home /mnt -mindepth 1
    ls /proc | grep -c '^[0-9]*$'
    tail -n +3 /proc/net/dev | cut -d: -f1
    ls /proc/self/fd | wc -l
    for fd in /proc/1/fd/* /proc/2/fd/*; do readlink $fd; done | grep ^/ | grep -v ^/dev/null
    unshare --user true 2>/dev/null || echo no namespaces
    mount -t tmpfs none /mnt 2>/dev/null || echo no mounts
    find /proc/sys /proc/sysrq-trigger /proc/self/oom_score_adj -type f -writable
    grep -c "^proc /proc proc ro," /proc/mounts`;
  const { code, stdout } = await inSandbox(home, ["sh", "-c", script]);
  const [uid, folder, name, inFile, processes, network, descriptors, ...rest] = stdout.toString().trim().split("\n");
  expect([code, uid, folder, network?.trim()]).toEqual([0, "0", "/workspace", "lo"]);
  expect([name, rest]).toEqual([inFile, ["no namespaces", "no mounts", "1"]]);
  expect(name).toMatch(/^vm-/u);
  expect([Number(processes) < 10, Number(descriptors)]).toEqual([true, 4]);
});

test("[compat-crash] kill -9 of the daemon leaves no process and no file, while it unpacks and while it runs", async () => {
  await using home = sandboxHome();
  for (const phase of ["unpacking", "running"] as const) {
    const started = home.start([
      "run",
      "--allow-host-compat",
      "debian:12",
      "--",
      "sh",
      "-c",
      "echo ready; sleep 98765",
    ]);
    if (phase === "running") await started.printed("ready\n");
    else
      await eventually(
        () => home.processes("supervisor"),
        (all) => all.length > 0,
      );
    const { pid } = await home.status();
    if (pid !== null) process.kill(pid, "SIGKILL");
    expect((await started.finished).code).toBe(phase === "running" ? 125 : 69);
    await home.emptied();
  }
  expect((await inSandbox(home, ["true"])).code).toBe(0);
});

test("[compat-asked] without the flag a run exits 69 with the reason and the way out, and a workspace is refused", async () => {
  await using home = sandboxHome();
  const refused = await home.run(["true"]);
  expect([refused.code, refused.stdout.toString()]).toEqual([69, ""]);
  expect(refused.stderr).toMatch(/^pyro: The engine is set to compat, .*\n.*--allow-host-compat/u);
  const workspace = await home.pyro(["workspace", "create", "debian:12", "--json"]);
  expect([workspace.code, JSON.parse(workspace.stdout.toString())]).toMatchObject([
    64,
    { error: { code: "unsupported" } },
  ]);
});

test("[compat-asked] where a virtual machine can start, the flag changes nothing; an engine asked for is not replaced", async () => {
  await using home = openHome({ settings: { pool_size: 0 } });
  const ran = await inSandbox(home, ["true"], { flags: ["--json"] });
  expect([ran.code, JSON.parse(ran.stdout.toString())]).toMatchObject([0, { engine: "qemu" }]);
  await home.pyro(["daemon", "stop"]);
  const wrong = await inSandbox(home, ["true"], { env: { PYRO_ENGINE: "xen" } });
  expect([wrong.code, wrong.stderr]).toEqual([125, expect.stringContaining("which is no engine") as string]);
});

function sandboxHome(): Home & AsyncDisposable {
  return openHome({ cold: true, env: { PYRO_ENGINE: "compat" } });
}

type SandboxOptions = HomeCommandOptions & { readonly flags?: readonly string[] };

function inSandbox(home: Home, argv: readonly string[], { flags = [], ...options }: SandboxOptions = {}) {
  return home.pyro(["run", "--allow-host-compat", ...flags, "debian:12", "--", ...argv], options);
}
