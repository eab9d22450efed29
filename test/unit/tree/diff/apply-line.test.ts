// Proves that the line which a diff shows takes the patch from wherever it is called, whole, where `git apply` alone does nothing or refuses.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { trustedPath } from "../../../../src/tree/byte-path.js";
import { type DiffResult, diffWorkspace } from "../../../../src/tree/diff/diff.js";
import { applyLine, hostPlace } from "../../../../src/tree/git/apply-line.js";
import { fakeGuest } from "./fake-guest.js";
import { snapshotTree, treeOf } from "./overlay.js";

const signal = new AbortController().signal;

let scratch: string;
let host: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "pyro-apply-line-"));
  host = join(scratch, "a host's");
  mkdirSync(host);
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

function put(root: string, files: Record<string, string | Buffer>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, name, ".."), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}

/** The diff of a workspace that was made from `seed` and now has these files. */
async function diffOf(seed: string, files: Record<string, string | Buffer>): Promise<DiffResult> {
  const workspace = join(scratch, "workspace");
  put(workspace, files);
  const bounds = { maxEntries: 1000, maxPatchCharacters: 10_000_000, signal };
  const place = await hostPlace(seed);
  const above =
    place === undefined || place.prefix === ""
      ? undefined
      : {
          prefix: trustedPath(place.prefix),
          read: async (path: string) => {
            try {
              return readFileSync(join(host, path));
            } catch {
              return undefined;
            }
          },
        };
  return diffWorkspace({ ...bounds, source: fakeGuest(seed, workspace), seed: treeOf(seed), above });
}

async function applyByLine(seed: string, { patch, filters }: DiffResult): Promise<void> {
  const line = applyLine({ place: await hostPlace(seed), filters });
  execFileSync("sh", ["-c", line], { input: patch, cwd: "/", stdio: ["pipe", "ignore", "pipe"] });
}

test("of a seed that was a folder of a checkout, under the attributes above it", async () => {
  execFileSync("git", ["init", "-q", host]);
  const wide = (text: string): Buffer => Buffer.from(`\ufeff${text}`, "utf16le");
  put(host, {
    ".gitattributes": "web/*.u16 working-tree-encoding=UTF-16\n",
    "web/a b/f": "one\n",
    "web/f.u16": wide("one\n"),
  });
  const seed = join(host, "web");
  const diff = await diffOf(seed, { "a b/f": "two\n", "f.u16": wide("two\n") });
  expect(diff.differs).toStrictEqual([]);
  await applyByLine(seed, diff);
  expect(snapshotTree(seed)).toStrictEqual(snapshotTree(join(scratch, "workspace")));
  expect(applyLine({ place: await hostPlace(seed), filters: [] })).toBe(
    `git -C '${host.replace("'", `'\\''`)}' apply --whitespace=nowarn --directory=web`,
  );
});

test("of files that stand under a filter, which does not run", async () => {
  execFileSync("git", ["init", "-q", host]);
  for (const [name, value] of [
    ["clean", "sed s/.*/pointer/"],
    ["smudge", "false"],
    ["required", "true"],
  ] as const) {
    execFileSync("git", ["-C", host, "config", `filter.lfs.${name}`, value]);
  }
  put(host, {
    ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    "f.bin": "large\n",
    "g.bin": "stays\n",
  });
  const diff = await diffOf(host, {
    ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    "f.bin": "larger\n",
    "g.bin": "stays\n",
    "h.bin": Buffer.from([0, 1, 2]),
  });
  expect(diff.filters).toStrictEqual(["lfs"]);
  await applyByLine(host, diff);
  expect(snapshotTree(host)).toStrictEqual(snapshotTree(join(scratch, "workspace")));
});

test("of a repository of SHA-256, and of folders whose names end in a space", async () => {
  execFileSync("git", ["init", "-q", "--object-format=sha256", host]);
  put(host, { "dir /f": "same\n", "dir /b": Buffer.from([0, 1]), "dir /mode": "same\n" });
  const seed = host;
  const workspace = join(scratch, "workspace");
  put(workspace, { "dir /mode": "same\n" });
  chmodSync(join(workspace, "dir /mode"), 0o755);
  const diff = await diffOf(seed, { "dir /f": "same\n", "dir /b": Buffer.from([0, 2]), "dir /empty": "" });
  await applyByLine(seed, diff);
  expect(snapshotTree(seed)).toStrictEqual(snapshotTree(workspace));
});

test("a filter whose name no setting can have is not in the line", () => {
  expect(applyLine({ place: undefined, filters: ["a b", "x=y", "\u001b[31m", "crypt"] })).toBe(
    "git -c filter.crypt.clean= -c filter.crypt.smudge= -c filter.crypt.process= -c filter.crypt.required=false apply --whitespace=nowarn",
  );
});
