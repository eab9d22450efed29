// Proves that a first commit in a guest works, and is by whoever somebody has named.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { guestFiles } from "../../../src/guest/environment.js";
import type { InstalledEnvironment } from "../../../src/environment/environment.js";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-guest-files-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const environment: InstalledEnvironment = {
  name: "debian:12",
  imagePath: "/nowhere",
  imageDigest: `sha256:${"0".repeat(64)}`,
  imageBytes: 1,
  env: [],
  source: "mirror",
  installedAt: "2026-01-01T00:00:00Z",
};

test("a commit has an author where nobody has named one; the user's and the repository's own count more", () => {
  const config = guestFiles(environment).find(({ path }) => path === "/etc/gitconfig");
  writeFileSync(join(home, "system"), config?.content ?? "");
  const env = { PATH: process.env["PATH"], HOME: home, GIT_CONFIG_SYSTEM: join(home, "system") };
  const git = (...args: readonly string[]) => execFileSync("git", args, { cwd: home, env, stdio: "pipe" }).toString();
  const author = () => {
    git("commit", "--quiet", "--allow-empty", "-m", "one");
    return git("log", "-1", "--format=%an <%ae> %cn <%ce>");
  };
  git("init", "--quiet");
  expect(author()).toBe("pyro <pyro@localhost> pyro <pyro@localhost>\n");
  git("config", "--global", "user.name", "Guest");
  expect(author()).toBe("Guest <pyro@localhost> Guest <pyro@localhost>\n");
  git("config", "user.email", "own@example.org");
  expect(author()).toBe("Guest <own@example.org> Guest <own@example.org>\n");
});
