// Proves that the file for a report of a fault is private, has nothing that its owner would not show, and replaces nothing.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { maskPrivate } from "../../../src/base/mask-private.js";
import { version } from "../../../src/base/version.js";
import { openReport } from "../../../src/client/report.js";

let home: string;
let path: string;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-report-"));
  path = join(home, "report.json");
  env = { HOME: home, PYRO_HOME: join(home, "own"), PYRO_DEBIAN_MIRROR: "https://me:hunter2@host/debian", SECRET: "x" };
  mkdirSync(join(home, "own", "state"), { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const signal = new AbortController().signal;

test("has versions, settings, findings and the last of the log, without passwords, tokens and the home", async () => {
  const lines = Array.from({ length: 500 }, (_, number) => {
    const message = `${home}/own: Authorization: Bearer abcdefghijkl, password=hunter2, ghp_${"a".repeat(30)}`;
    return JSON.stringify({ at: "2026-11-28T10:00:00Z", event: "call failed", number, message });
  });
  writeFileSync(join(home, "own", "state", "daemon.log"), `${lines.join("\n")}\n`);
  writeFileSync(
    join(home, "own", "settings.json"),
    JSON.stringify({ debian_mirror: "https://me:hunter2@host/debian" }),
  );
  {
    await using file = await openReport(path, env);
    await file.write({ findings: [{ code: "qemu", text: `in ${home}/x` }], ok: false }, signal);
  }
  const text = readFileSync(path, "utf8");
  expect(text).not.toMatch(new RegExp(`hunter2|abcdefghijkl|ghp_a|${home}`, "u"));
  const report = JSON.parse(text);
  expect(report.examination).toEqual({ findings: [{ code: "qemu", text: "in ~/x" }], ok: false });
  expect(report.versions).toMatchObject({ pyro: version, node: process.version });
  expect(report.variables).toEqual({ PYRO_HOME: "~/own", PYRO_DEBIAN_MIRROR: "https://***@host/debian" });
  expect(report.settings).toMatchObject({ debian_mirror: "https://***@host/debian" });
  expect(report.log).toHaveLength(400);
  expect(report.log.at(-1)).toMatchObject({
    number: 499,
    message: "~/own: Authorization: Bearer ***, password=***, ***",
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a log of long lines is cut to the last that find room", async () => {
  const message = "x".repeat(15_000);
  const lines = Array.from({ length: 100 }, (_, number) => JSON.stringify({ at: "", event: "e", number, message }));
  writeFileSync(join(home, "own", "state", "daemon.log"), `${lines.join("\n")}\n`);
  await using file = await openReport(path, env);
  await file.write({}, signal);
  expect(statSync(path).size).toBeLessThan(1024 ** 2);
  expect(JSON.parse(readFileSync(path, "utf8")).log.at(-1)).toMatchObject({ number: 99 });
});

test("a name that is taken is refused, and one that is never written goes", async () => {
  writeFileSync(path, "mine");
  await expect(openReport(path, env)).rejects.toMatchObject({ code: "already_exists" });
  expect(readFileSync(path, "utf8")).toBe("mine");
  const other = join(home, "other.json");
  await (await openReport(other, env))[Symbol.asyncDispose]();
  expect(existsSync(other)).toBe(false);
});

test("only what is private is taken out", () => {
  const kept = "token bucket, secret sauce, /h/me2/x, /h/me.bak, sk-1, keyring: debian";
  expect(maskPrivate(kept, "/h/me")).toBe(kept);
  expect(maskPrivate("/h/me and /h/me/x; api_key: abc; GITHUB_TOKEN=abc", "/h/me")).toBe(
    "~ and ~/x; api_key: ***; GITHUB_TOKEN=***",
  );
});
