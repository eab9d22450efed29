// Proves what programs in a guest find set: what the contract fixes over the image's own, that over what only helps, and an author for git.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { guestEnvironment, guestFiles } from "../../../src/guest/environment.js";
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
  env: ["PATH=/opt/bin", "UV_LINK_MODE=symlink", "HOME=/elsewhere"],
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

function settingsOf(env: readonly string[]) {
  return Object.fromEntries(guestEnvironment({ ...environment, env }).map((each) => each.split("=", 2)));
}

test("caches in /root are copied from, unless the image says otherwise", () => {
  const copying = {
    UV_LINK_MODE: "copy",
    pnpm_config_store_dir: "/root/.local/share/pnpm/store",
    pnpm_config_package_import_method: "copy",
  };
  expect(settingsOf([])).toMatchObject({ ...copying, HOME: "/root" });
  expect(settingsOf(environment.env)).toMatchObject({
    ...copying,
    ...{ UV_LINK_MODE: "symlink", HOME: "/root", PATH: "/opt/bin" },
  });
});

test("a program's own settings in the home folder are the user's once they are there", () => {
  const kept = guestFiles(environment).map(({ path, keep = false }) => [path, keep]);
  expect(kept).toEqual([
    ["/etc/profile.d/00-pyro-path.sh", false],
    ["/etc/gitconfig", false],
    ["/root/.config/pnpm/rc", true],
  ]);
});
