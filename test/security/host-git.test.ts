// Proves that content makes git on the host run and fetch nothing, whether it is seeded, pushed, cloned or named by a URL.

import { chmodSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { expect, test, vi } from "vitest";
import { openRepositories } from "../../src/tree/git/repositories.js";
import { parseRepositoryUrl } from "../../src/tree/git/url.js";
import { openSeeds } from "../../src/tree/seed/seeds.js";
import {
  canary,
  forgetRan,
  git,
  home,
  makeRepository,
  partialClone,
  ran,
  seeded,
  task,
  user,
  victim,
  write,
} from "./git-host.js";

// Each test starts some dozens of programs.
vi.setConfig({ testTimeout: 120_000 });

/** Every setting of git that names a program, or a file with more settings, armed with a canary of its name. */
function arm(folder: string): void {
  const include = join(folder, "more-settings");
  const settings: Readonly<Record<string, string>> = {
    "core.fsmonitor": canary("fsmonitor"),
    "core.hooksPath": join(folder, "hooks"),
    "core.sshCommand": canary("ssh-command"),
    "core.askPass": canary("askpass"),
    "core.pager": canary("pager"),
    "pager.ls-files": canary("pager-ls-files"),
    "pager.config": canary("pager-config"),
    "core.editor": canary("editor"),
    "sequence.editor": canary("sequence-editor"),
    "core.gitProxy": canary("git-proxy"),
    "core.alternateRefsCommand": canary("alternate-refs"),
    "core.attributesFile": join(folder, "attributes"),
    "filter.evil.clean": `${canary("clean")} cat`,
    "filter.evil.smudge": `${canary("smudge")} cat`,
    "filter.evil.process": canary("process"),
    "filter.evil.required": "true",
    "diff.external": canary("diff-external"),
    "diff.evil.command": canary("diff-command"),
    "diff.evil.textconv": canary("textconv"),
    "merge.evil.driver": canary("merge"),
    "mergetool.evil.cmd": canary("mergetool"),
    "difftool.evil.cmd": canary("difftool"),
    "credential.helper": `!${canary("credential")}`,
    "credential.https://example.org.helper": `!${canary("credential-url")}`,
    "gpg.program": canary("gpg"),
    "gpg.ssh.program": canary("gpg-ssh"),
    "gpg.ssh.defaultKeyCommand": canary("gpg-key"),
    "commit.gpgSign": "true",
    "browser.evil.cmd": canary("browser"),
    "man.evil.cmd": canary("man"),
    "sendemail.sendmailCmd": canary("sendmail"),
    "interactive.diffFilter": canary("interactive"),
    "uploadpack.packObjectsHook": canary("pack-objects"),
    "submodule.evil.update": `!${canary("submodule")}`,
    "alias.ls-files": `!${canary("alias")}`,
    "alias.config": `!${canary("alias-config")}`,
    "trailer.evil.command": canary("trailer"),
    "protocol.ext.allow": "always",
    "remote.origin.uploadpack": canary("uploadpack"),
    "remote.origin.receivepack": canary("receivepack"),
    "remote.origin.promisor": "true",
    "remote.odd.vcs": "ext",
    "remote.odd.url": `sh -c ${canary("vcs")}`,
    "remote.odd.promisor": "true",
    "include.path": include,
    "extensions.partialClone": "origin",
    "core.repositoryFormatVersion": "1",
    "maintenance.strategy": "incremental",
  };
  for (const [key, value] of Object.entries(settings)) git(folder, "config", key, value);
  writeFileSync(include, `[core]\n\tfsmonitor = ${canary("included")}\n`);
  write(folder, { attributes: "* filter=evil diff=evil merge=evil\n" });
  write(join(folder, ".git/info"), { attributes: "* filter=evil diff=evil merge=evil\n" });
  for (const name of hooks) {
    for (const place of ["hooks", ".git/hooks"]) {
      write(folder, { [`${place}/${name}`]: `#!/bin/sh\n${canary(`hook-${name}`)}\n` });
      chmodSync(join(folder, place, name), 0o755);
    }
  }
}

const hooks = [
  "post-checkout",
  "post-index-change",
  "reference-transaction",
  "pre-commit",
  "fsmonitor-watchman",
].concat([
  "post-update",
  "pre-receive",
  "update",
  "post-merge",
  "pre-auto-gc",
  "pre-push",
  "post-rewrite",
  "sendemail-validate",
]);

test.each(["rules", "folder"] as const)(
  "a repository that arms every setting, and lacks %s, runs nothing: seeded, pushed, a project source, cloned",
  async (lost) => {
    const seeds = openSeeds({ seeds: join(home, "more-seeds"), repositories: join(home, "repositories") });
    const folder = partialClone(lost);
    arm(folder);
    // The remotes of one are fetched from by a program in its settings, those of the other through a transport that is one.
    const instead = `ext::sh -c touch% ${join(home, "ran/instead-of")}% ;% :% `;
    if (lost === "folder") git(folder, "config", `url.${instead}.insteadOf`, "file://");
    write(folder, { "a/untracked": "x" });
    forgetRan();
    const listed = (await seeded(folder)).files.filter((name) => !name.startsWith("hooks/"));
    expect(ran()).toStrictEqual([]);
    expect(listed).toStrictEqual([".gitignore", "attributes", "kept.log", "more-settings", "root"]);
    const { archive } = await seeds.openTree({ path: folder, allowedRoots: undefined }, task);
    await buffer(archive);
    await seeds.prepare({ project_path: folder, sshAgent: undefined, allowedRoots: undefined }, task);
    // What it lacks cannot be served either; all that counts is that nothing runs.
    await seeds
      .prepare({ repo_url: folder, sshAgent: undefined, allowedRoots: undefined }, task)
      .catch(() => undefined);
    expect(ran()).toStrictEqual([]);
    // The trap is one: git as the user runs it springs it.
    asUser(folder, "-c", "core.fsmonitor=false", "ls-files", "--others", "--exclude-standard");
    expect(ran()).toContain(lost === "folder" ? "instead-of" : "uploadpack");
    asUser(folder, "status");
    expect(ran()).toContain("included");
  },
);

/** Whatever comes of it. */
function asUser(folder: string, ...args: readonly string[]): void {
  try {
    git(folder, ...args);
  } catch {
    // A canary is no helper that answers.
  }
}

test("a repository of this host that leads to another one is not cloned", async () => {
  const other = victim();
  const secret = git(other, "rev-parse", "HEAD").trim();
  const bare = (name: string) => {
    const folder = join(home, "bare", name);
    git(home, "clone", "-q", "--bare", makeRepository(join(home, "bare-of", name)), folder);
    return folder;
  };
  const hostile: Readonly<Record<string, () => string>> = {
    "a lender": () => {
      const folder = bare("lender");
      write(folder, { "objects/info/alternates": `${join(other, ".git/objects")}\n`, "refs/heads/main": secret });
      return folder;
    },
    "a link among its refs": () => {
      const folder = bare("link");
      symlinkSync(join(other, ".git/refs/heads/main"), join(folder, "refs/heads/stolen"));
      return folder;
    },
    "a gitdir": () => {
      write(join(home, "pointing"), { ".git": `gitdir: ${join(other, ".git")}\n` });
      return join(home, "pointing");
    },
    "a commondir": () => {
      write(join(home, "common"), { HEAD: "ref: refs/heads/main\n", commondir: join(other, ".git") });
      return join(home, "common");
    },
  };
  const repositories = openRepositories({ root: join(home, "repositories"), timeoutMs: 60_000 });
  for (const make of Object.values(hostile)) {
    const url = make();
    const denied = { code: "permission_denied", message: expect.stringContaining(join(other, ".git")) as string };
    await expect(repositories.checkout({ url }, task)).rejects.toMatchObject(denied);
  }
  await using fine = await repositories.checkout({ url: bare("fine") }, task);
  expect(readdirSync(fine.path)).toContain("root");
});

test("a clone runs no filter of the user's that its content chooses, and says which files are pointers", async () => {
  const filter = (name: string) =>
    `[filter "${name}"]\n\tsmudge = ${canary("smudge")} cat\n\tclean = ${canary("clean")} cat\n`;
  write(user, { ".gitconfig": `${filter("lfs")}${filter("mine")}` });
  const origin = join(home, "origin");
  write(origin, {
    ".gitattributes": "*.bin filter=lfs\n*.txt filter=mine\n",
    ".lfsconfig": "[lfs]\n\turl = file:///x\n",
  });
  write(origin, { "one.bin": "pointer 1\n", "two.bin": "pointer 2\n", "file.txt": "x\n" });
  git(origin, "init", "-q", "-b", "main");
  git(origin, "-c", "filter.lfs.clean=", "-c", "filter.mine.clean=", "add", ".");
  git(origin, "commit", "-qm", "first");
  forgetRan();
  const seeds = openSeeds({ seeds: join(home, "more-seeds"), repositories: join(home, "repositories") });
  for (let round = 0; round < 2; round++) {
    const { facts } = await seeds.prepare({ repo_url: origin, sshAgent: undefined, allowedRoots: undefined }, task);
    expect(ran()).toStrictEqual([]);
    const reason = expect.stringMatching(/^a Git LFS pointer, and 1 more: /u) as string;
    expect(facts.skipped).toStrictEqual([{ path: "one.bin", reason }]);
  }
  git(home, "clone", "-q", origin, join(home, "as-user"));
  expect(ran()).toContain("smudge");
});

test("a partial repository of this host serves a clone without fetching in its turn", async () => {
  const folder = partialClone("rules");
  git(folder, "config", "remote.origin.uploadpack", canary("uploadpack"));
  const repositories = openRepositories({ root: join(home, "repositories"), timeoutMs: 60_000 });
  await expect(repositories.checkout({ url: folder }, task)).rejects.toMatchObject({ code: "unavailable" });
  expect(ran()).toStrictEqual([]);
});

test("no URL makes an option of its host or user, however it is written", () => {
  for (const url of [
    "ssh://%2doProxyCommand=id/x",
    "ssh://%2DoProxyCommand=id/x",
    "ssh://-oProxyCommand=id/x",
    "ssh://%2doProxyCommand=id@host/x",
    "ssh://host%2doProxyCommand/x",
    "git://%2doption/x",
    "https://%2doption/x",
    "https://host/x%0aurl=y",
    "ssh://host/%00",
    "file://host/x",
  ]) {
    expect(() => parseRepositoryUrl(url)).toThrow(/repository URL/u);
  }
  expect(parseRepositoryUrl("ssh://git@[::1]:22/a%20b.git").protocol).toBe("ssh");
  expect(parseRepositoryUrl("/srv/100%41.git").full).toBe("file:///srv/100%2541.git");
});
