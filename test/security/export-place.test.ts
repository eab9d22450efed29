// Proves that an export writes where it was allowed to when it writes, whatever is put in the place of a folder meanwhile.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asPyroError } from "../../src/base/error.js";
import { openExports } from "../../src/tree/export/exports.js";
import { extractExport } from "../../src/tree/export/extract.js";
import type { ExportStep } from "../../src/tree/export/staging.js";
import { type TestEntry, streamOf, tarOf } from "../unit/tree/export/tar.js";

let root: string;
let project: string;
let outside: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "pyro-export-place-")));
  project = join(root, "project");
  outside = join(root, "outside");
  mkdirSync(join(project, "sub", "deep"), { recursive: true });
  mkdirSync(join(root, "state"));
  mkdirSync(outside);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Wanted {
  readonly target?: string;
  readonly entries?: readonly TestEntry[];
  readonly roots?: readonly string[] | undefined;
  readonly force?: boolean;
  readonly onStep?: (step: ExportStep) => Promise<void>;
}

const file: readonly TestEntry[] = [{ name: "f", content: "guest" }];
const folder: readonly TestEntry[] = [
  { name: "d/", type: "5", mode: 0o755 },
  { name: "d/f", content: "guest" },
];

/** The code of the refusal, or what was left out. */
async function exported({
  target = join(project, "sub", "deep", "x"),
  entries = file,
  force = false,
  ...wanted
}: Wanted) {
  const roots = "roots" in wanted ? wanted.roots : [project];
  const exports = await openExports(join(root, "state"), wanted.onStep === undefined ? {} : { onStep: wanted.onStep });
  try {
    const { skipped } = await extractExport({
      stream: streamOf(tarOf(entries)),
      target,
      contentOnly: false,
      force,
      limits: { maxEntries: 1000, maxBytes: 1000 },
      allowedRoots: roots,
      exports,
      signal: new AbortController().signal,
    });
    return skipped;
  } catch (error) {
    return asPyroError(error).code;
  }
}

const steps: readonly ExportStep[] = ["recorded", "staging_made", "staging_recorded", "extracted", "checked"];

describe("a folder on the way becomes a link to elsewhere", () => {
  for (const swapped of ["sub", "sub/deep"]) {
    for (const entries of [file, folder]) {
      for (const at of steps) {
        test(`${swapped} at ${at}: a ${entries === file ? "file" : "folder"} is not written there`, async () => {
          mkdirSync(join(outside, "deep"));
          const result = await exported({
            entries,
            onStep: async (step) => {
              if (step !== at) return;
              renameSync(join(project, swapped), join(project, "moved"));
              symlinkSync(outside, join(project, swapped));
            },
          });
          expect([readdirSync(outside), readdirSync(join(outside, "deep"))]).toStrictEqual([["deep"], []]);
          // It goes to the folder that was opened, which is still one of the allowed.
          const made = join(project, swapped === "sub" ? "moved/deep" : "moved");
          expect([result, readdirSync(made)]).toStrictEqual([[], ["x"]]);
        });
      }
    }
  }

  test("before the call opens it: refused", async () => {
    rmSync(join(project, "sub"), { recursive: true });
    mkdirSync(join(outside, "deep"));
    symlinkSync(outside, join(project, "sub"));
    expect([await exported({}), readdirSync(join(outside, "deep"))]).toStrictEqual(["permission_denied", []]);
  });

  test("and is out of the allowed folders at the end: refused", async () => {
    const result = await exported({
      onStep: async (step) => {
        if (step === "extracted") renameSync(join(project, "sub"), join(outside, "sub"));
      },
    });
    expect([result, readdirSync(join(outside, "sub", "deep"))]).toStrictEqual(["permission_denied", []]);
  });

  test("or is removed: refused in words", async () => {
    const result = await exported({
      onStep: async (step) => {
        if (step === "extracted") rmSync(join(project, "sub"), { recursive: true });
      },
    });
    expect([result, readdirSync(project)]).toStrictEqual(["permission_denied", []]);
  });

  test("by the user's own wish, and without allowed folders, it is followed", async () => {
    symlinkSync(outside, join(project, "mine"));
    expect(await exported({ target: join(project, "mine", "x"), roots: undefined })).toStrictEqual([]);
    expect(readFileSync(join(outside, "x"), "utf8")).toBe("guest");
  });
});

describe("the target becomes a link", () => {
  for (const entries of [file, folder]) {
    for (const at of steps) {
      test(`at ${at}: a ${entries === file ? "file" : "folder"} is not written through it`, async () => {
        writeFileSync(join(outside, "victim"), "mine");
        const result = await exported({
          entries,
          onStep: async (step) => {
            if (step === at) symlinkSync(join(outside, "victim"), join(project, "sub", "deep", "x"));
          },
        });
        expect(typeof result).toBe("string");
        expect([readdirSync(outside), readFileSync(join(outside, "victim"), "utf8")]).toStrictEqual([
          ["victim"],
          "mine",
        ]);
        expect(readdirSync(join(project, "sub", "deep"))).toStrictEqual(["x"]);
      });
    }
  }

  test("in the middle of a swap: what was there before is not lost", async () => {
    const deep = join(project, "sub", "deep");
    mkdirSync(join(deep, "x"));
    writeFileSync(join(deep, "x", "kept"), "mine");
    const result = await exported({
      entries: folder,
      force: true,
      onStep: async (step) => {
        if (step === "moved_aside") symlinkSync(outside, join(deep, "x"));
      },
    });
    expect([typeof result, readdirSync(outside)]).toStrictEqual(["string", []]);
    const [staging = ""] = readdirSync(deep).filter((name) => name !== "x");
    expect(readFileSync(join(deep, staging, "replaced", "kept"), "utf8")).toBe("mine");
    rmSync(join(deep, "x"));
    const next = await openExports(join(root, "state"));
    expect([await next.recover(), readdirSync(deep), readdirSync(join(deep, "x"))]).toStrictEqual([
      [],
      ["x"],
      ["kept"],
    ]);
  });
});

describe("names and places that no export has", () => {
  const refused: Readonly<Record<string, string>> = {
    ".git": "permission_denied",
    ".GIT": "permission_denied",
    ".gi\u200ct": "permission_denied",
    "sub/.git.": "permission_denied",
    "git~1": "permission_denied",
    ".git/x": "permission_denied",
    ".pyro-export-1-1-0123456789ab": "permission_denied",
    "..": "invalid_argument",
    "sub/.": "invalid_argument",
    "sub/deep/a\0b": "invalid_argument",
    "no/x": "not_found",
    "file/x": "not_found",
  };
  for (const [name, code] of Object.entries(refused)) {
    test(`${JSON.stringify(name)}: ${code}`, async () => {
      mkdirSync(join(project, ".git"));
      writeFileSync(join(project, "file"), "");
      expect([await exported({ target: `${project}/${name}` }), readdirSync(join(project, ".git"))]).toStrictEqual([
        code,
        [],
      ]);
    });
  }

  test("the inside of another export's staging folder", async () => {
    const inner: unknown[] = [];
    await exported({
      entries: folder,
      onStep: async (step) => {
        if (step !== "extracted") return;
        const [staging = ""] = readdirSync(join(project, "sub", "deep"));
        for (const name of ["made/evil", "replaced", "target"]) {
          inner.push(await exported({ target: join(project, "sub", "deep", staging, name) }));
        }
      },
    });
    expect(inner).toStrictEqual(["permission_denied", "permission_denied", "permission_denied"]);
    expect(readdirSync(join(project, "sub", "deep", "x"))).toStrictEqual(["f"]);
  });
});

describe("links in an export", () => {
  const d = { name: "d/", type: "5", mode: 0o755 };
  const link = (name: string, target: string): TestEntry => ({ name: `d/${name}`, type: "2", target });
  const entries: readonly TestEntry[] = [
    d,
    { name: "d/a/", type: "5", mode: 0o755 },
    link("a/same", "../a/b"),
    link("a/up", ".."),
    link("a/dot", "./././b"),
    link("absolute", "/etc/passwd"),
    link("workspace", "/workspace/a"),
    link("over", ".."),
    link("a/over", "../../outside"),
    link("a/through", "up/../../outside"),
    { name: "d/second", type: "1", target: "d/over" },
    { name: "d/over/f", content: "below what is left out" },
  ];

  test("that lead out of it are left out and named where folders are allowed one by one", async () => {
    const reason = "a link that leads out of the export";
    expect(await exported({ entries })).toStrictEqual([
      ...["absolute", "workspace", "over", "a/over", "a/through"].map((path) => ({ path, reason })),
      { path: "second", reason: "another name of what is left out" },
    ]);
    expect(readdirSync(join(project, "sub", "deep", "x", "a")).sort()).toStrictEqual(["dot", "same", "up"]);
    expect(readdirSync(join(project, "sub", "deep", "x"))).toStrictEqual(["a"]);
  });

  test("a link alone leads out of itself", async () => {
    expect(await exported({ entries: [{ name: "l", type: "2", target: "f" }] })).toBe("failed_precondition");
    expect(existsSync(join(project, "sub", "deep", "x"))).toBe(false);
  });
});
