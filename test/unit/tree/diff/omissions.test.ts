// Proves that whatever a patch lacks of the changes is named with its reason, and that a path which names nothing is refused.
import { describe, expect, test } from "vitest";
import { PyroError } from "../../../../src/base/error.js";
import { type DiffResult, diffWorkspace } from "../../../../src/tree/diff/diff.js";
import { type Touched, type World, requestOf } from "./guest-tree.js";

const over50MiB = 50 * 1024 * 1024 + 1;

function shown({ omitted }: DiffResult): string[] {
  return omitted.map(({ path, status, kind, reason }) => `${path} ${status ?? "-"} ${kind}: ${reason}`);
}

/** Paths that the patch has a part of. */
function patched({ patch }: DiffResult): string[] {
  return [...patch.matchAll(/^diff --git a\/(.*) b\/.*$/gmu)].map(([, path = ""]) => path);
}

describe("what the patch lacks", () => {
  const kinds: readonly (readonly [what: string, world: World, omitted: readonly string[]])[] = [
    [
      "a large file",
      { upper: { big: "x" }, announced: { big: over50MiB } },
      ["big added too_large: a file of more than 50 MiB, on one side or both"],
    ],
    [
      "an empty folder",
      { upper: { logs: "/" } },
      ["logs/ added empty_folder: an empty folder, which git does not keep"],
    ],
    [
      "an empty folder that went",
      { seed: { logs: "/" }, upper: { logs: undefined } },
      ["logs/ deleted empty_folder: an empty folder, which git does not keep"],
    ],
    [
      "an empty folder in a file's place",
      { seed: { f: "x" }, upper: { f: "/" } },
      ["f/ type_changed empty_folder: an empty folder, which git does not keep"],
    ],
    ["a pipe", { upper: { p: "(fifo)" } }, ["p added special_file: a pipe, which no patch can hold"]],
    ["a socket", { upper: { s: "(socket)" } }, ["s added special_file: a socket, which no patch can hold"]],
    ["a device", { upper: { d: "(device)" } }, ["d added special_file: a device, which no patch can hold"]],
    [
      "a pipe in a file's place",
      { seed: { f: "x\n" }, upper: { f: "(fifo)" } },
      ["f type_changed special_file: a pipe, which no patch can hold"],
    ],
    [
      "a name that git refuses",
      { upper: { ".GIT": "x", "a/git~1/x": "x" } },
      [
        ".GIT added git_refuses: git refuses the name, as one of its own files",
        "a/git~1/x added git_refuses: git refuses the name, as one of its own files",
      ],
    ],
    [
      "a link named as git's own file",
      { upper: { ".gitmodules": "-> x" } },
      [".gitmodules added git_refuses: git refuses the name, as one of its own files"],
    ],
    [
      "a repository in a folder",
      { upper: { "sub/f": "x", "sub/.git": "/", "sub/.git/HEAD": "ref: x\n", "other/.git": "gitdir: ../x\n" } },
      [
        "sub/.git/ - git_folder: files of another repository, whose history is in no patch",
        "other/.git/ - git_folder: files of another repository, whose history is in no patch",
      ],
    ],
    [
      "the repository that was there, and the workspace's own",
      { seed: { "sub/.git": "/" }, upper: { "sub/.git": "/", ".git": "/" } },
      [],
    ],
    ["an ignored repository", { upper: { ".gitignore": "v/\n", "v/.git": "/", "v/x": "x" } }, []],
    ["nothing", { seed: { a: "x\n" }, upper: { a: "y\n", b: "-> a", c: "\0" } }, []],
  ];
  test.each(kinds)("%s is named", async (_what, world, omitted) => {
    const result = await diffWorkspace(requestOf(world));
    expect(shown(result)).toStrictEqual(omitted);
    const named = result.entries.filter((entry) => entry.omitted !== undefined).map(({ path }) => path);
    expect(named).toStrictEqual(omitted.filter((each) => !each.includes(" - ")).map((each) => each.split(/\/? /u)[0]));
  });

  test("whether a file is binary is not said of what was not read", async () => {
    const world = {
      seed: { gone: "text\n", old: "moved\n" },
      upper: { big: "x", text: "a\n", bytes: "\0", folder: "/", old: undefined, new: "moved\n" },
      announced: { big: over50MiB },
    };
    const { entries } = await diffWorkspace(requestOf(world));
    expect(entries.map(({ path, binary }) => [path, binary])).toStrictEqual([
      ["big", undefined],
      ["bytes", true],
      ["folder", undefined],
      ["new", undefined],
      ["text", false],
    ]);
  });

  test("what is left out is named also where the patch is too long to be there", async () => {
    const upper = { a: "a\n".repeat(300), b: "b\n".repeat(300), pipe: "(fifo)" };
    const result = await diffWorkspace(requestOf({ upper }, { maxPatchCharacters: 1500 }));
    expect([result.patch, result.patch_truncated, shown(result).length]).toStrictEqual(["", true, 1]);
  });

  test("a change that is too long by itself is left out alone, and nothing is read without end for it", async () => {
    const upper: Touched = { a: "a\n", b: "b\n".repeat(2000), c: "c\n", d: "d\n".repeat(50_000) };
    const result = await diffWorkspace(requestOf({ upper }, { maxPatchCharacters: 2000 }));
    expect([patched(result), result.patch_truncated, shown(result)]).toStrictEqual([
      ["a", "c"],
      false,
      ["b", "d"].map(
        (path) => `${path} added patch_too_long: its part of the patch alone is longer than the patch may be`,
      ),
    ]);
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`f${at}`, "text\n".repeat(100_000)]));
    const tired = await diffWorkspace(requestOf({ upper: many }, { maxPatchCharacters: 100_000 }));
    expect([tired.patch, tired.patch_truncated, tired.counts.added]).toStrictEqual(["", true, 40]);
  });

  test("bytes count, not characters: what one gives another takes", async () => {
    const upper = { f: `${"\u00e2\u0082\u00ac".repeat(400)}\n` };
    const result = await diffWorkspace(requestOf({ upper }, { maxPatchCharacters: 1000 }));
    expect([result.patch, result.omitted.map(({ kind }) => kind)]).toStrictEqual(["", ["patch_too_long"]]);
  });

  test("more than a result can name is said to be more", async () => {
    const upper = Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`folder${at}`, "/"]));
    const { omitted, omitted_truncated: more } = await diffWorkspace(requestOf({ upper }));
    expect([omitted.length, more]).toStrictEqual([1000, true]);
  });
});

describe("paths", () => {
  const world: World = {
    seed: { "src/a.txt": "a\n", src: "/", gone: "x\n", same: "same\n", moved: "long enough to be moved\n" },
    upper: {
      ...{ "src/b.txt": "b\n", gone: undefined, moved: undefined, "to/here": "long enough to be moved\n" },
      ...{ ".gitignore": "*.log\nbuild/\n", "x.log": "x", "build/y": "y", "deep/z.log": "z" },
      ...{ "caf\xe9/odd": "odd\n", "tab\there": "t\n", "* ?": "star\n", "-dash": "d\n" },
    },
  };
  const diffOf = (...paths: readonly string[]) =>
    diffWorkspace(requestOf(world, { paths: paths.map((path) => Buffer.from(path)) }));
  const refusal = async (...paths: readonly string[]) => {
    const error = await diffOf(...paths).catch((caught: unknown) => caught);
    if (!(error instanceof PyroError)) throw new Error("it was accepted", { cause: error });
    const { code, message, hint, details } = error;
    return { code, message, hint, details };
  };

  const named: readonly (readonly [string, readonly string[]])[] = [
    ["src/b.txt", ["src/b.txt"]],
    ["src", ["src/b.txt"]],
    ["gone", ["gone"]],
    ["moved", ["to/here"]],
    ["to", ["to/here"]],
    ["same", []],
    ["src/a.txt", []],
    ["x.log", ["x.log"]],
    ["build", ["build/y"]],
    ["build/y", ["build/y"]],
    ["deep", []],
    ["caf\ufffd", ["caf\ufffd/odd"]],
    ["caf\ufffd/odd", ["caf\ufffd/odd"]],
    ["tab\there", ["tab\there"]],
    ["* ?", ["* ?"]],
    ["-dash", ["-dash"]],
  ];
  test.each(named)("%j is something", async (path, entries) => {
    expect((await diffOf(path)).entries.map((entry) => entry.path)).toStrictEqual(entries);
  });

  test("a folder of ignored files says so", async () => {
    expect((await diffOf("deep")).ignored).toStrictEqual({ file_count: 1, paths: ["deep/z.log"] });
  });

  test.each(["nope", "src/nope", "src/b.txt/below", "SRC/b.txt", "build/nope", "*.txt", "\ufffd", "sr"])(
    "%j names nothing, and the error names it",
    async (path) => {
      expect(await refusal(path)).toMatchObject({
        code: "not_found",
        message: `paths: ${JSON.stringify(path)} names nothing that is in the workspace, or was when it was created.`,
        details: { paths: [path] },
      });
    },
  );

  test("of several paths those that name nothing are named, also beside one that names something", async () => {
    const { message, details } = await refusal("src", "nope", "gone", "evil\nname\u202e");
    expect(message).toMatch(/^paths: "nope", "evil\^Jname<U\+202E>" name nothing /u);
    expect(details).toStrictEqual({ paths: ["nope", "evil\nname\u202e"] });
    const many = await refusal(...Array.from({ length: 30 }, (_, at) => `nope${at}`));
    expect(many.message).toContain('"nope19" and 10 more name nothing');
  });

  test("a path that was probably meant is named", async () => {
    expect((await refusal("src/c.txt")).hint).toMatch(/^Did you mean "src\/b\.txt"\? /u);
  });

  test("git's own folder is in no diff, and the error says so", async () => {
    for (const path of [".git", ".git/config", "sub/.git"]) {
      expect(await refusal(path)).toMatchObject({
        code: "invalid_argument",
        message: `paths: ${path} is inside a .git folder, which is left out of every diff.`,
      });
    }
  });
});
