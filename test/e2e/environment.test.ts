// Proves that environments come whole from the host's own Debian mirror, or not at all, and hold what the catalog says.

import { appendFile, chmod, cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runFolder } from "./command.js";
import { eventually } from "./eventually.js";
import { openHome, sharedHome } from "./home.js";

const mirrorTimeoutMs = 20 * 60_000;

async function openCache(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(runFolder(), "cache-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function entries(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

test("[environment-content] debian:12 has its tools, its own apt sources and nothing of the host", async () => {
  const script = [
    "git --version",
    "python3 -c 'import ssl, sqlite3; print(\"python\")'",
    "curl --version | head -c 5; echo",
    "stat -c '%A %U %n' / /workspace /tmp /root /usr/bin/passwd",
    "cat /etc/debian_version | cut -d. -f1",
    "ls /usr/share/man /usr/share/locale /var/lib/apt/lists /var/cache/apt/archives /var/log | grep -c gz",
    "test -s /etc/ssl/certs/ca-certificates.crt && test -f /usr/share/doc/git/copyright && echo kept",
    "grep -c Signed-By /etc/apt/sources.list.d/debian.sources >/dev/null && ls /etc/apt/sources.list 2>&1 | grep -c cannot",
    "python3 -v -c 'import http.client' 2>&1 | grep -c 'code object from /usr/lib/python3.11/http'",
  ].join("\n");
  const { code, stdout, stderr } = await sharedHome().run(["sh", "-c", script]);
  expect({ code, stderr, lines: stdout.toString().trim().split("\n") }).toEqual({
    code: 1,
    stderr: "",
    lines: [
      "git version 2.39.5",
      "python",
      "curl ",
      "drwxr-xr-x root /",
      "drwxr-xr-x root /workspace",
      "drwxrwxrwt root /tmp",
      "drwx------ root /root",
      "-rwsr-xr-x root /usr/bin/passwd",
      "12",
      "0",
      "kept",
      "1",
      // Every module comes compiled: none is read as source.
      "0",
    ],
  });
});

test("[environment-release] debian:12 and debian:13 are both installed, whichever of them the host is, and run", async () => {
  const home = sharedHome();
  const { code, stderr } = await home.pyro(["env", "pull", "debian:13"], { timeoutMs: mirrorTimeoutMs });
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  const script = [
    "cut -d. -f1 /etc/debian_version",
    "git --version && python3 -c 'import ssl, sqlite3; print(\"python\")' && curl --version | head -c 5; echo",
    "grep ^Suites /etc/apt/sources.list.d/debian.sources | head -n 1",
    "test -s /etc/ssl/certs/ca-certificates.crt && test -f /usr/share/doc/git/copyright && echo kept",
    "python3 -v -c 'import http.client' 2>&1 | grep -c 'code object from /usr/lib/python3[.0-9]*/http'",
  ].join("\n");
  const lines = async (environment: string) => {
    const run = await home.pyro(["run", environment, "--", "sh", "-c", script]);
    return run.stdout.toString().trim().split("\n");
  };
  const rest = (release: string) => [...["python", "curl ", `Suites: ${release} ${release}-updates`, "kept", "0"]];
  expect(await lines("debian:12")).toEqual(["12", "git version 2.39.5", ...rest("bookworm")]);
  expect(await lines("debian:13")).toEqual(["13", "git version 2.47.3", ...rest("trixie")]);
});

test("[environment-mirror] the mirror that the user names is asked instead of the host's, the variable before the setting; no password is shown", async () => {
  await using cache = await openCache();
  const mirror = "http://ada:secret@127.0.0.1:9/debian";
  await using home = openHome({
    ...{ cold: true, settings: { debian_mirror: mirror } },
    env: { PYRO_ENVIRONMENT_CACHE_DIR: cache.path, PYRO_DEBIAN_MIRROR: "http://bob:secret@127.0.0.1:1/debian" },
  });
  const { code, stdout, stderr } = await home.pyro(["env", "pull", "debian:12-base"], { timeoutMs: mirrorTimeoutMs });
  const doctor = await home.pyro(["doctor"]);
  const said = `${stdout.toString()}${stderr}${doctor.stdout.toString()}${doctor.stderr}`;
  expect({ code, secret: said.includes("secret") }).toEqual({ code: 69, secret: false });
  expect(stderr).toMatch(/The Debian mirror does not answer: .*127\.0\.0\.1:1\b/u);
  expect(doctor.stdout.toString().replaceAll(/\s+/gu, " ")).toContain("debian_mirror http://***@127.0.0.1:9/debian");
  expect(await entries(join(cache.path, "tmp"))).toEqual([]);
});

test("[environment-repair] a damaged image is found by inspect, and the next pull makes it whole again", async () => {
  await using cache = await openCache();
  await cp(process.env["PYRO_ENVIRONMENT_CACHE_DIR"] ?? "", cache.path, { recursive: true });
  await using home = openHome({ cold: true, env: { PYRO_ENVIRONMENT_CACHE_DIR: cache.path } });
  const state = async () => {
    const { stdout } = await home.pyro(["env", "inspect", "debian:12", "--json"]);
    return (JSON.parse(stdout.toString()) as { state: string }).state;
  };
  // Other times and inodes: verified by content.
  expect(await state()).toBe("installed");
  const images = await entries(join(cache.path, "images"));
  for (const image of images) {
    await chmod(join(cache.path, "images", image), 0o600);
    await appendFile(join(cache.path, "images", image), "x");
  }
  expect(await state()).toBe("broken");
  const { code, stderr } = await home.pyro(["env", "pull", "debian:12"], { timeoutMs: mirrorTimeoutMs });
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  expect(await state()).toBe("installed");
  expect((await home.pyro(["env", "prune"])).code).toBe(0);
  const installs = await entries(join(cache.path, "installs"));
  expect(await entries(join(cache.path, "images"))).toHaveLength(installs.length);
});

test("[environment-cooperate] of two daemons that pull one environment, the second takes over when the first is killed", async () => {
  await using cache = await openCache();
  const env = { PYRO_ENVIRONMENT_CACHE_DIR: cache.path };
  await using first = openHome({ cold: true, env });
  await using second = openHome({ cold: true, env });
  const options = { timeoutMs: mirrorTimeoutMs };
  const lost = first.start(["env", "pull", "debian:12-base"], options);
  const half = join(cache.path, "tmp", "debian%3A12-base", "root");
  await eventually(
    () => entries(half),
    (names) => names.length > 0,
  );
  const taking = second.start(["env", "pull", "debian:12-base"], options);
  let waited = "";
  taking.child.stderr?.on("data", (chunk: Buffer) => (waited += chunk.toString()));
  await eventually(
    () => waited,
    (text) => text.includes("Waiting for another pull"),
  );
  for (const { pid } of first.processes("daemon")) process.kill(pid, "SIGKILL");
  expect((await lost.finished).code).not.toBe(0);
  const { code, stderr } = await taking.finished;
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  expect(stderr).toContain("Waiting for another pull");
  expect(await entries(join(cache.path, "tmp"))).toEqual([]);
  expect(await entries(join(cache.path, "installs"))).toEqual(["debian%3A12-base.json"]);
  expect((await first.pyro(["env", "list"])).stdout.toString()).toMatch(/^debian:12-base\s+installed/mu);
});
