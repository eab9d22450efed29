// Proves that prepare makes an environment warm and says so truthfully, and that no interruption, full disk or second caller breaks it.

import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runFolder, type Started } from "./command.js";
import { eventually } from "./eventually.js";
import { openHome, type Home } from "./home.js";

interface Prepared {
  readonly was: string;
  readonly reason: string;
  readonly changed: boolean;
  readonly prepared_at: string;
  readonly steps: readonly { readonly step: string }[];
  readonly proved: readonly string[];
  readonly pooled_machines: number;
}

const allSteps = ["install", "template", "pool", "create", "exec", "reset", "delete", "refill"];
const proved = ["create", "exec", "reset", "delete"];
/** Each goes through all phases several times. */
const timeoutMs = 1_200_000;

test(
  "[prepare] [doctor-start] an environment is made warm once, proved and recorded; after a change it is stale, and why",
  async () => {
    await using home = openHome({ cold: true });
    expect(await start(home)).toBe("cold: debian:12 has not been prepared.");
    const first = await prepare(home);
    expect(first).toMatchObject({ was: "cold", changed: true, proved, pooled_machines: 1 });
    expect(first.steps.map(({ step }) => step)).toEqual(allSteps);
    expect(await leftBehind(home)).toEqual([]);
    const again = await prepare(home);
    expect(again).toMatchObject({ was: "warm", changed: false, prepared_at: first.prepared_at });
    expect(await start(home)).toMatch(/^warm: prepared .* is saved and fits\.$/u);
    const [name = ""] = readdirSync(join(home.path, "cache", "prepared"));
    const path = join(home.path, "cache", "prepared", name);
    const manifest = JSON.parse(readFileSync(path, "utf8")) as { engine_fingerprint: string };
    const changes: readonly (readonly [content: unknown, finding: RegExp])[] = [
      [{ ...manifest, pyro_version: "0.0.1" }, /^stale: since .* pyro \(0\.0\.1, now .*\) changed\.$/u],
      [{ ...manifest, image_digest: "sha256:0" }, /^stale: since .* the environment's image changed\.$/u],
      [withEngine(manifest, { qemu: "1.0 x" }), /^stale: since .* the QEMU build changed\.$/u],
      [
        withEngine(manifest, { runtime: "x", cpu: "y" }),
        /^stale: since .* model and the guest kernel or agent changed/u,
      ],
      [{ ...manifest, more: 1 }, /^cold: the record of debian:12's preparation cannot be read \(.*more.*\)\.$/u],
    ];
    for (const [content, finding] of changes) {
      writeFileSync(path, JSON.stringify(content));
      expect(await start(home)).toMatch(finding);
    }
    expect(await prepare(home)).toMatchObject({ was: "cold", changed: true, proved });
    const [key = ""] = templateKeys(home);
    rmSync(join(home.path, "cache", "templates", key, "state"));
    expect(await start(home)).toBe("stale: debian:12's saved machine is missing or damaged.");
    // A run makes it anew, and proves nothing.
    expect((await home.run(["true"])).code).toBe(0);
    expect(await start(home)).toBe("stale: debian:12's saved machine was made anew, and that one has not been proved.");
    expect(await prepare(home)).toMatchObject({ was: "stale", changed: true, proved });
    expect(await prepare(home, ["--force"])).toMatchObject({ was: "warm", changed: true, proved });
    expect((await home.run(["true"])).code).toBe(0);
  },
  timeoutMs,
);

test("[prepare] a person reads each step with its time, and what comes next", async () => {
  await using home = openHome();
  const { code, stdout } = await home.pyro(["prepare"]);
  expect([code, stdout.toString()]).toEqual([
    0,
    expect.stringMatching(/^install .* s\n(\w+ .* s\n){7}\ndebian:12 is warm/u),
  ]);
  expect(stdout.toString()).toMatch(/\nNext: `pyro host connect claude-code`/u);
});

test(
  "[prepare-together] two preparations at once do the work once",
  async () => {
    await using home = openHome();
    const both = await Promise.all([prepare(home), prepare(home)]);
    expect(both.filter(({ changed }) => changed)).toHaveLength(1);
    expect(new Set(both.map((each) => each.prepared_at)).size).toBe(1);
    expect(await leftBehind(home)).toEqual([]);
  },
  timeoutMs,
);

/** What can be seen on the host once a phase has begun. */
const phases: Readonly<Record<string, (home: Home) => boolean>> = {
  template: (home) => namesIn(home, "cache", "templates").some((name) => name.endsWith(".new")),
  pool: (home) => templateKeys(home).length > 0,
  create: (home) => workspaces(home).length > 0,
  exec: (home) => workspaces(home).some((id) => textOf(home, id, "journal.jsonl").includes("exec_started")),
  // The mark itself is gone so soon that a busy machine does not see it; the step goes on with a new machine and a command.
  reset: (home) =>
    workspaces(home).some((id) => /"resetting"|"last_reset_at":\s*"/u.test(textOf(home, id, "workspace.json"))),
};

const ways: Readonly<Record<string, (home: Home, preparing: Started) => void>> = {
  "Ctrl-C": (_home, { child }) => child.kill("SIGINT"),
  "kill -9 of the caller": (_home, { child }) => child.kill("SIGKILL"),
  "kill -9 of the daemon": (home) => {
    for (const { pid } of home.processes("daemon")) process.kill(pid, "SIGKILL");
  },
};

const interruptions = Object.entries(ways);

test.for(interruptions)(
  "[prepare-continues] %s in every phase: nothing is left, and the next one completes it",
  { timeout: timeoutMs },
  async ([name, interrupt]) => {
    await using home = openHome({ cold: true });
    for (const [phase, hasBegun] of Object.entries(phases)) {
      const preparing = home.start(["prepare"]);
      const begun = await eventually(() => hasBegun(home) || preparing.child.exitCode !== null, Boolean);
      interrupt(home, preparing);
      const { code, signal, stderr } = await preparing.finished;
      const ended = { "Ctrl-C": [130, null], "kill -9 of the caller": [null, "SIGKILL"] }[name] ?? [69, null];
      expect({ phase, begun, ended: [code, signal], stderr }).toMatchObject({ phase, begun: true, ended });
      expect([phase, await eventually(() => leftBehind(home), isEmpty)]).toEqual([phase, []]);
    }
    expect(await prepare(home)).toMatchObject({ was: "cold", changed: true, proved });
    expect(await start(home)).toMatch(/^warm: /u);
  },
);

test(
  "[prepare-continues] Ctrl-C while an environment is installed; the next one installs it",
  async () => {
    const cache = mkdtempSync(join(runFolder(), "cache-"));
    await using home = openHome({ env: { PYRO_ENVIRONMENT_CACHE_DIR: cache } });
    const preparing = home.start(["prepare", "debian:12-base"]);
    const root = join(cache, "tmp", "debian%3A12-base", "root");
    const hasBegun = () => entries(root).length > 0;
    expect(await eventually(() => hasBegun() || preparing.child.exitCode !== null, Boolean)).toBe(true);
    preparing.child.kill("SIGINT");
    const { code, stderr } = await preparing.finished;
    expect([code, code === 130 ? "" : stderr]).toEqual([130, ""]);
    expect(await eventually(() => entries(join(cache, "tmp")), isEmpty)).toEqual([]);
    expect(await prepare(home, ["debian:12-base"])).toMatchObject({ was: "cold", changed: true, proved });
    await home.pyro(["daemon", "stop"]);
    rmSync(cache, { recursive: true, force: true });
  },
  timeoutMs,
);

test("[prepare-refused] an unknown environment, a host without an engine: the reason, the next step, nothing installed", async () => {
  const cache = mkdtempSync(join(runFolder(), "cache-"));
  await using home = openHome({ env: { PYRO_ENVIRONMENT_CACHE_DIR: cache } });
  const unknown = await home.pyro(["prepare", "debian:99"]);
  expect([unknown.code, unknown.stderr]).toEqual([66, expect.stringContaining("Use one of: debian:12-base")]);
  await home.pyro(["daemon", "stop"]);
  const none = await home.pyro(["prepare"], { env: { PYRO_ENGINE: "compat" } });
  expect([none.code, none.stderr]).toEqual([64, expect.stringContaining("Set the engine to auto")]);
  expect(entries(cache)).toEqual([]);
  const label = await home.pyro(["workspace", "create", "--label", "pyro/prepare=x"]);
  expect([label.code, label.stderr]).toEqual([64, expect.stringContaining("pyro's own")]);
});

async function prepare(home: Home, args: readonly string[] = []): Promise<Prepared> {
  const { code, stdout, stderr } = await home.pyro(["prepare", "--json", ...args]);
  expect([code, code === 0 ? "" : stderr + stdout.toString()]).toEqual([0, ""]);
  return JSON.parse(stdout.toString()) as Prepared;
}

/** What doctor finds about the start. */
async function start(home: Home): Promise<string> {
  const { stdout } = await home.pyro(["doctor", "--json", "--environment", "debian:12"]);
  const { findings } = JSON.parse(stdout.toString()) as { findings: readonly { code: string; text: string }[] };
  return findings.find(({ code }) => code === "start")?.text ?? "no finding";
}

/** Workspaces and their folders; asking for them has a new daemon clean up first. */
async function leftBehind(home: Home): Promise<readonly string[]> {
  const { stdout } = await home.pyro(["workspace", "list", "--json"]);
  const { workspaces: left } = JSON.parse(stdout.toString()) as { workspaces: readonly { workspace_id: string }[] };
  return [...left.map((each) => each.workspace_id), ...workspaces(home)];
}

function workspaces(home: Home): readonly string[] {
  return namesIn(home, "state", "workspaces");
}

function textOf(home: Home, id: string, file: string): string {
  try {
    return readFileSync(join(home.path, "state", "workspaces", id, file), "utf8");
  } catch {
    return "";
  }
}

function templateKeys(home: Home): readonly string[] {
  return namesIn(home, "cache", "templates").filter((name) => /^[0-9a-f]{32}\.[0-9a-f]{16}$/u.test(name));
}

function namesIn(home: Home, ...folder: readonly string[]): readonly string[] {
  return entries(join(home.path, ...folder));
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isEmpty(list: readonly unknown[]): boolean {
  return list.length === 0;
}

function withEngine(manifest: { engine_fingerprint: string }, changed: Readonly<Record<string, string>>): unknown {
  const parts = JSON.parse(manifest.engine_fingerprint) as Record<string, string>;
  return { ...manifest, engine_fingerprint: JSON.stringify({ ...parts, ...changed }) };
}
