// Proves what `pyro run` reports about a command that ran: its exit code, its streams, and the one JSON document.

import { expect, test } from "vitest";
import { openHome, sharedHome } from "./home.js";

const home = sharedHome();

test("[run-exit-code] exits with the guest's code", async () => {
  const commands = [["true"], ["false"], ["sh", "-c", "exit 3"], ["sh", "-c", "kill -9 $$"], ["sh", "-c", "exit 255"]];
  const finished = await Promise.all(commands.map((argv) => home.run(argv)));
  expect(finished.map(({ code, signal, stderr }) => ({ code, signal, stderr }))).toEqual(
    [0, 1, 3, 137, 255].map((code) => ({ code, signal: null, stderr: "" })),
  );
});

test("[run-cannot-start] a command that is not found is 127, one that cannot be executed 126, with the name on standard error", async () => {
  const commands = [["no-such-program"], ["/no/such/program"], ["/etc/passwd"], ["/etc"], [""]];
  const finished = await Promise.all(commands.map((argv) => home.run(argv)));
  expect(finished.map(({ code, stdout }) => [code, stdout.toString()])).toEqual([
    [127, ""],
    [127, ""],
    [126, ""],
    [126, ""],
    [127, ""],
  ]);
  expect(finished.map(({ stderr }) => stderr)).toEqual([
    "pyro: no-such-program: not found\n",
    "pyro: /no/such/program: not found\n",
    "pyro: /etc/passwd: permission denied\n",
    "pyro: /etc: is a directory\n",
    "pyro: '': not found\n",
  ]);
});

test("[run-json] the document of a finished command has every field and nothing else is on standard output", async () => {
  const argv = ["sh", "-c", "printf 'out\\377'; echo err >&2; exit 3"];
  const { code, stdout, stderr } = await home.pyro(["run", "debian:12", "--json", "--", ...argv]);
  expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
  expect(stdout.toString().trimEnd().split("\n")).toHaveLength(1);
  expect(JSON.parse(stdout.toString())).toEqual({
    environment: "debian:12",
    engine: "qemu",
    accelerator: expect.stringMatching(/^(?:tcg|kvm)$/u),
    state: "exited",
    exit_code: 3,
    signal: null,
    timed_out: false,
    oom_killed: false,
    canceled: false,
    duration_ms: expect.any(Number),
    stdout: "out\u{fffd}",
    stdout_base64: Buffer.from("out\u{ff}", "latin1").toString("base64"),
    stderr: "err\n",
    stdout_truncated: false,
    stderr_truncated: false,
    dropped_bytes: 0,
  });
});

test("[run-timeout] a command that takes too long is killed with everything that it started, and exits 124", async () => {
  // The daemonised child keeps standard output open: had it survived, this would not return.
  const script = "setsid sh -c 'sleep 1000; echo alive' & echo began; sleep 1000";
  const args = ["run", "debian:12", "--timeout-seconds", "2"];
  const [plain, json] = await Promise.all([
    home.pyro([...args, "--", "sh", "-c", script]),
    home.pyro([...args, "--json", "--", "sh", "-c", script]),
  ]);
  expect([plain.code, plain.stdout.toString(), json.code]).toEqual([124, "began\n", 124]);
  const document: unknown = JSON.parse(json.stdout.toString());
  expect(document).toMatchObject({
    ...{ exit_code: 124, signal: "KILL", timed_out: true, oom_killed: false, stdout: "began\n" },
  });
});

test("[run-memory] [run-vcpus] [run-oom] memory and processors are as asked, and eating all the memory is a result", async () => {
  await using small = openHome({ settings: { pool_size: 0 } });
  const shape = ["run", "debian:12", "--mem-mib", "256", "--vcpu-count", "2"];
  const facts = await small.pyro([
    ...shape,
    "--",
    "sh",
    "-c",
    "nproc; sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo",
  ]);
  const [processors, kibibytes] = facts.stdout.toString().trim().split("\n").map(Number);
  expect({ code: facts.code, processors }).toEqual({ code: 0, processors: 2 });
  // The kernel keeps some for itself.
  expect(kibibytes).toBeLessThanOrEqual(256 * 1024);
  expect(kibibytes).toBeGreaterThan(200 * 1024);

  const eat = async (...argv: readonly string[]) => {
    const { stdout } = await small.pyro([...shape, "--json", "--", ...argv]);
    return JSON.parse(stdout.toString()) as unknown;
  };
  expect(await eat("tail", "/dev/zero")).toMatchObject({
    ...{ exit_code: 137, signal: "KILL", timed_out: false, oom_killed: true },
  });
  expect(await eat("sh", "-c", "tail /dev/zero; echo went on with $?")).toMatchObject({
    exit_code: 0,
    signal: null,
    oom_killed: true,
    stdout: "went on with 137\n",
  });
  await small.emptied();
});
