// Proves that only what a record of ours names is put back or removed after a kill, and then all of it, wherever the kill came.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type KeptRecord, openExports } from "../../src/tree/export/exports.js";
import { extractExport } from "../../src/tree/export/extract.js";
import type { ExportStep } from "../../src/tree/export/staging.js";
import { exportSteps } from "../crash-walks.js";
import { streamOf, tarOf } from "../unit/tree/export/tar.js";

let programs: string;
let root: string;
let parent: string;
let state: string;
beforeAll(async () => {
  programs = mkdtempSync(join(tmpdir(), "pyro-export-killed-"));
  await build({
    entryPoints: [join(import.meta.dirname, "export-killed.ts")],
    outfile: join(programs, "export-killed.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
  });
});
afterAll(() => rmSync(programs, { recursive: true, force: true }));
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pyro-export-recovery-"));
  parent = join(root, "out");
  state = join(root, "state");
  mkdirSync(parent);
  mkdirSync(state);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const steps: readonly ExportStep[] = exportSteps;
const swapSteps: readonly ExportStep[] = ["swap_recorded", "moved_aside"];

/** Ends as the export does: by our kill, where it has that step. */
function exportKilledAt(step: ExportStep, kind: "file" | "folder"): void {
  const args = [join(programs, "export-killed.mjs"), state, join(parent, "target"), kind];
  const env = { PYRO_DIE_AT: `export: ${step}` };
  const { signal, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8", env });
  expect([stderr, signal, status]).toStrictEqual(["", "SIGKILL", null]);
}

async function recover(): Promise<readonly KeptRecord[]> {
  return (await openExports(state)).recover();
}

const old: Readonly<Record<string, { make: () => void; look: () => unknown; seen: unknown }>> = {
  nothing: { make: () => undefined, look: () => readdirSync(parent), seen: [] },
  "a file": {
    make: () => writeFileSync(join(parent, "target"), "old"),
    look: () => readFileSync(join(parent, "target"), "utf8"),
    seen: "old",
  },
  "a folder that nobody may write to": {
    make: () => {
      mkdirSync(join(parent, "target"));
      writeFileSync(join(parent, "target", "kept"), "old");
      chmodSync(join(parent, "target"), 0o555);
    },
    look: () => [readFileSync(join(parent, "target", "kept"), "utf8"), lstatSync(join(parent, "target")).mode & 0o777],
    seen: ["old", 0o555],
  },
};

describe("after a kill -9 the next daemon finds the old or the new, and leaves nothing else", () => {
  for (const [what, { make, look, seen }] of Object.entries(old)) {
    for (const kind of ["file", "folder"] as const) {
      const swaps = what !== "nothing" && !(what === "a file" && kind === "file");
      for (const step of steps.filter((each) => swaps || !swapSteps.includes(each))) {
        test(`a ${kind} over ${what}, killed at ${step}`, async () => {
          make();
          exportKilledAt(step, kind);
          expect(await recover()).toStrictEqual([]);
          expect(readdirSync(join(state, "exports"))).toStrictEqual([]);
          const isNew = steps.indexOf(step) >= steps.indexOf("published");
          expect(readdirSync(parent)).toStrictEqual(isNew || what !== "nothing" ? ["target"] : []);
          const made = kind === "folder" ? join(parent, "target", "f") : join(parent, "target");
          expect(isNew ? readFileSync(made, "utf8") : look()).toStrictEqual(isNew ? "new" : seen);
        });
      }
    }
  }
});

interface Written {
  format: number;
  boot_id: string;
  target: string;
  parent: string;
  parent_identity: { device: string; inode: string };
  staging: { device: string; inode: string };
  swap: { replaced: { device: string; inode: string } };
  allowed_roots: string[] | null;
}

function rewriteRecord(change: (record: Written) => void): void {
  const [name = ""] = readdirSync(join(state, "exports"));
  const path = join(state, "exports", name);
  const record = JSON.parse(readFileSync(path, "utf8")) as Written;
  change(record);
  writeFileSync(path, JSON.stringify(record));
}

/** Killed in the middle of a swap, with the user's own folder moved aside. */
function interrupted(): readonly string[] {
  old["a folder that nobody may write to"]?.make();
  exportKilledAt("moved_aside", "folder");
  const names = readdirSync(parent);
  expect(names).toStrictEqual([expect.stringMatching(/^\.pyro-export-[0-9a-f]{32}$/u)]);
  return names;
}

function changeDevices({ parent_identity, staging, swap }: Written): void {
  for (const each of [parent_identity, staging, swap.replaced]) each.device = "1";
}

describe("what a record means", () => {
  test("after a restart of the host the device number does not count, the inode does", async () => {
    interrupted();
    rewriteRecord((record) => {
      changeDevices(record);
      record.boot_id = "an earlier one";
    });
    expect([await recover(), readdirSync(parent)]).toStrictEqual([[], ["target"]]);
    expect(readFileSync(join(parent, "target", "kept"), "utf8")).toBe("old");
  });

  const changes: Readonly<Record<string, (record: Written) => void>> = {
    "another device, and no restart": changeDevices,
    "another folder in the parent's place": (record) => void (record.parent_identity.inode = "1"),
    "another staging folder": (record) => void (record.staging.inode = "1"),
    "another thing moved aside": (record) => void (record.swap.replaced.inode = "1"),
    "a target called .git": (record) => void (record.target = ".git"),
    "a target called .GIT": (record) => void (record.target = ".GIT"),
    "a target elsewhere": (record) => void (record.target = "../evil"),
    "a parent that leads through ..": (record) => void (record.parent += "/../out"),
    "folders that the call might not use": (record) => void (record.allowed_roots = ["/nowhere"]),
    "a format of a newer pyro": (record) => void (record.format = 2),
    "a record that is damaged": (record) => void (record.boot_id = "x".repeat(100)),
  };
  for (const [what, change] of Object.entries(changes)) {
    test(`nothing is touched, and it is said, for ${what}`, async () => {
      const before = interrupted();
      rewriteRecord(change);
      const kept = await recover();
      expect(kept).toStrictEqual([{ what: expect.any(String), reason: expect.any(String) }]);
      expect([readdirSync(parent), readdirSync(state + "/exports").length]).toStrictEqual([before, 1]);
      expect(readFileSync(join(parent, before[0] ?? "", "replaced", "kept"), "utf8")).toBe("old");
    });
  }

  test("the words for a future format name the file and the format", async () => {
    interrupted();
    rewriteRecord((record) => void (record.format = 2));
    expect(await recover()).toStrictEqual([
      {
        what: expect.stringMatching(/\/exports\/[0-9a-f]{32}\.json$/u),
        reason: "It is of format 2, which a newer pyro wrote; this one knows formats up to 1.",
      },
    ]);
  });

  test("what somebody made at the target meanwhile stays, and so does what was moved aside", async () => {
    const [staging = ""] = interrupted();
    writeFileSync(join(parent, "target"), "theirs");
    expect((await recover()).map(({ reason }) => reason)).toStrictEqual([
      "what was at its target cannot go back: something has the name now",
    ]);
    expect(readFileSync(join(parent, "target"), "utf8")).toBe("theirs");
    expect(readFileSync(join(parent, staging, "replaced", "kept"), "utf8")).toBe("old");
  });

  test("a link in the place of the parent or of the staging folder is not followed", async () => {
    const [staging = ""] = interrupted();
    renameSync(parent, join(root, "moved"));
    symlinkSync("moved", parent);
    expect((await recover()).length).toBe(1);
    rmSync(parent);
    renameSync(join(root, "moved"), parent);
    renameSync(join(parent, staging), join(root, "taken"));
    symlinkSync(join(root, "taken"), join(parent, staging));
    expect((await recover()).length).toBe(1);
    expect(readFileSync(join(root, "taken", "replaced", "kept"), "utf8")).toBe("old");
    rmSync(join(parent, staging));
    renameSync(join(root, "taken"), join(parent, staging));
    expect([await recover(), readdirSync(parent)]).toStrictEqual([[], ["target"]]);
  });
});

describe("a folder without a record is never touched", () => {
  /** As older versions called theirs, of a process that is gone. */
  const names = [".pyro-export-4194305-1-0123456789ab", `.pyro-export-${"0".repeat(32)}`];
  for (const name of names) {
    test(`${name}, which says that it has to become .git`, async () => {
      const planted = join(parent, name);
      mkdirSync(join(planted, "replaced", "hooks"), { recursive: true });
      mkdirSync(join(planted, "made"));
      writeFileSync(join(planted, "replaced", "config"), "[core]\n\tfsmonitor = touch canary\n");
      writeFileSync(join(planted, "target"), ".git");
      const exports = await openExports(state);
      expect(await exports.recover()).toStrictEqual([]);
      await extractExport({
        stream: streamOf(tarOf([{ name: "f", content: "x" }])),
        target: join(parent, "result"),
        contentOnly: false,
        force: false,
        limits: { maxEntries: 100, maxBytes: 1000 },
        allowedRoots: [parent],
        exports,
        signal: new AbortController().signal,
      });
      expect([readdirSync(parent).sort(), readdirSync(planted).sort()]).toStrictEqual([
        [name, "result"],
        ["made", "replaced", "target"],
      ]);
    });
  }
});
