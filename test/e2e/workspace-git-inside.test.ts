// Proves that git in a workspace works on a copied checkout as git on the host does, without anything that only the host has.

import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { sharedHome } from "./home.js";
import { makeRepository } from "./repository.js";

const home = sharedHome();

test("[workspace-git-inside] a first commit has an author, a filter of the host's holds nothing up, and what somebody names counts more", async () => {
  using repository = makeRepository();
  const set = (key: string, value: string) => execFileSync("git", ["-C", repository.path, "config", key, value]);
  for (const [key, value] of [
    ["clean", "pyro-test-no-such-program %f"],
    ["smudge", "pyro-test-no-such-program %f"],
    ["required", "true"],
  ] as const) {
    set(`filter.lacking.${key}`, value);
  }
  const created = await home.pyro(["workspace", "create", "--id-only", "--seed-path", repository.path]);
  const id = created.stdout.toString().trim();
  const commit = (name: string) => `git add ${name} && git commit -qm ${name} && git log -1 --format='%an <%ae>'`;
  const script = [
    "git config --unset user.name; git config --unset user.email",
    "echo '*.new filter=lacking' > .git/info/attributes; echo new > one.new; echo new > two.new",
    commit("one.new"),
    "git config --global user.name Somebody",
    commit("two.new"),
    "git status --porcelain -- one.new two.new",
  ].join("; ");
  const done = await home.pyro(["workspace", "exec", id, "--", "sh", "-c", script]);
  expect([done.code, done.stdout.toString()]).toEqual([0, "pyro <pyro@localhost>\nSomebody <pyro@localhost>\n"]);
  await home.pyro(["workspace", "delete", id]);
});
