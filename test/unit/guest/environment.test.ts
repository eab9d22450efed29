// Proves what programs in a guest find set: what the contract fixes over the image's own, and that over what only helps.

import { expect, test } from "vitest";
import { guestEnvironment, guestFiles } from "../../../src/guest/environment.js";

const environment = {
  ...{ name: "debian:12", imagePath: "/i", imageDigest: "d", imageBytes: 1, source: "s", installedAt: "" },
  env: ["PATH=/opt/bin", "UV_LINK_MODE=symlink", "HOME=/elsewhere"],
};

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
