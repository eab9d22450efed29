// Proves that a diff stays bounded, verifies what a hostile guest says, and that big texts neither hang nor come out wrong.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DiffRequest, diffWorkspace } from "../../../../src/tree/diff/diff.js";
import { filePatch } from "../../../../src/tree/diff/file-patch.js";
import { trustedPath } from "../../../../src/tree/byte-path.js";
import { isRefusedByGit, quoteName, unquoteName } from "../../../../src/tree/git/quoted-name.js";
import { textHunks } from "../../../../src/tree/diff/text-hunks.js";
import { decodeBase85Line, encodeBase85 } from "../../../../src/tree/git/base85.js";
import type { SeedRecord } from "../../../../src/tree/seed/manifest-line.js";

const signal = new AbortController().signal;

interface World {
  readonly seed?: Record<string, string>;
  /** What the guest returns for seed files, where it lies. */
  readonly lies?: Record<string, string>;
  readonly upper?: Record<string, string | undefined>;
  /** Sizes that the guest announces, where they are wrong. */
  readonly announced?: Record<string, number>;
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += 1000) yield Buffer.from(text.slice(at, at + 1000));
}

function requestOf(
  { seed = {}, lies = {}, upper = {}, announced = {} }: World,
  changes: Partial<DiffRequest> = {},
): DiffRequest {
  const record = (path: string, text: string): SeedRecord => {
    const sha256 = createHash("sha256").update(text).digest("hex");
    return { path, kind: "file", mode: 0o644, size: Buffer.byteLength(text), mtime: 0, sha256, target: "", group: "" };
  };
  const open = (text = "") => ({ mode: 0o644, size: Buffer.byteLength(text), chunks: chunksOf(text) });
  return {
    seed: {
      lookup: async (path) =>
        seed[path.toString()] === undefined ? undefined : record(path.toString(), seed[path.toString()] ?? ""),
      async *below() {},
      async *linked() {},
    },
    source: {
      async *touched() {
        for (const [path, text] of Object.entries(upper)) {
          const size = announced[path] ?? Buffer.byteLength(text ?? "");
          yield { path: Buffer.from(path), kind: text === undefined ? "whiteout" : "file", mode: 0o644, size };
        }
      },
      statNew: async () => ({ mode: 0o644, size: 0 }),
      openNew: async (path) => open(upper[path.toString()]),
      openOld: async (path) => open(lies[path.toString()] ?? seed[path.toString()]),
      readSmall: async (files) =>
        new Map(
          files.map(({ root, path }, index) => {
            const name = path.toString();
            const text = root === "seed" ? (lies[name] ?? seed[name]) : upper[name];
            return [index, { mode: 0o644, data: Buffer.from(text ?? "") }];
          }),
        ),
    },
    signal,
    maxEntries: 100,
    maxPatchCharacters: 10_000,
    ...changes,
  };
}

describe("limits", () => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`f${index}`, "0123456789\n".repeat(20)]));

  test("a patch that is too long is left out, its entries and counts stay", async () => {
    const result = await diffWorkspace(requestOf({ upper: many }, { maxPatchCharacters: 1000, maxEntries: 15 }));
    expect(result).toMatchObject({ patch: "", patch_truncated: true, entries_truncated: true, counts: { added: 20 } });
    expect(result.entries).toHaveLength(15);
  });

  test("paths choose a part of it, and a writer takes it all", async () => {
    const part = await diffWorkspace(
      requestOf({ upper: many }, { maxPatchCharacters: 1000, paths: [Buffer.from("f7")] }),
    );
    expect([part.entries.map(({ path }) => path), part.patch_truncated]).toStrictEqual([["f7"], false]);
    let written = "";
    const writePatch = async (text: string): Promise<void> => void (written += text);
    const whole = await diffWorkspace(requestOf({ upper: many }, { maxPatchCharacters: 1000, writePatch }));
    expect([whole.patch, whole.patch_truncated, written.match(/^diff --git /gmu)?.length]).toStrictEqual([
      "",
      false,
      20,
    ]);
  });

  test("a file beyond 50 MiB is listed and said to be left out", async () => {
    const announced = { big: 60 * 1024 * 1024 };
    const { entries, patch } = await diffWorkspace(requestOf({ upper: { big: "x" }, announced }));
    expect([entries, patch]).toStrictEqual([
      [{ path: "big", status: "added", size: 62914560, new_mode: "100644", omitted: "too_large" }],
      "",
    ]);
  });
});

describe("a hostile guest", () => {
  test("other seed content than the host's is refused", async () => {
    for (const lie of ["old lie", "longer than it should be", ""]) {
      const world = { seed: { f: "old one" }, lies: { f: lie }, upper: { f: "new" } };
      await expect(diffWorkspace(requestOf(world))).rejects.toThrow("other bytes for f");
    }
  });

  test("more content than announced is cut", async () => {
    const { patch } = await diffWorkspace(requestOf({ upper: { f: "abcdef\n" }, announced: { f: 3 } }));
    expect(patch).toContain("@@ -0,0 +1 @@\n+abc\n\\ No newline at end of file\n");
  });

  test("bad paths, doubled paths and impossible sizes are refused", async () => {
    for (const path of ["/abs", "a/../b", "..", "a//b", "a\0b", "n".repeat(300), "./a"]) {
      await expect(diffWorkspace(requestOf({ upper: { [path]: "x" } }))).rejects.toThrow("The path");
    }
    for (const size of [-1, 1.5, 2 ** 60]) {
      await expect(diffWorkspace(requestOf({ upper: { f: "x" }, announced: { f: size } }))).rejects.toThrow(
        "impossible size",
      );
    }
    const request = requestOf({ upper: { f: "x" } });
    const twice = async function* () {
      yield* request.source.touched(signal);
      yield* request.source.touched(signal);
    };
    await expect(diffWorkspace({ ...request, source: { ...request.source, touched: twice } })).rejects.toThrow("twice");
  });
});

describe("texts", () => {
  test("random texts: git apply turns the one into the other", { timeout: 600_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "pyro-hunks-"));
    const line = fc.constantFrom("a\n", "b\n", "c\n", "\n", "dd\r\n");
    const text = fc
      .tuple(fc.array(line, { maxLength: 60 }), fc.constantFrom("", "end"))
      .map(([lines, end]) => lines.join("") + end);
    const edit = fc.array(fc.tuple(fc.nat(60), line), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(text, edit, async (old, changes) => {
        const lines = old.split(/(?<=\n)/u);
        for (const [at, replacement] of changes) lines.splice(at, at % 3, replacement);
        const now = lines.join("");
        if (old === now || old === "" || now === "") return;
        writeFileSync(join(folder, "f"), old);
        const version = (content: string) => ({
          path: trustedPath("f"),
          mode: "100644",
          content: Buffer.from(content),
        });
        const input = await filePatch({ old: version(old), now: version(now) });
        execFileSync("git", ["apply", "--whitespace=nowarn"], {
          cwd: folder,
          input,
          stdio: ["pipe", "ignore", "inherit"],
        });
        expect(readFileSync(join(folder, "f"), "utf8")).toBe(now);
      }),
      { numRuns: Number(process.env["PYRO_PROPERTY_RUNS"] ?? 60) },
    );
    rmSync(folder, { recursive: true });
  });

  test("a change in a huge text is one small hunk; two huge texts with nothing in common are one block", () => {
    const lines = Array.from({ length: 300_000 }, (_, index) => `line ${index}\n`);
    const old = Buffer.from(lines.join(""));
    lines[150_000] = "changed\n";
    const hunks = textHunks(old, Buffer.from(lines.join("")));
    expect(hunks.split("\n")[0]).toBe("@@ -149998,7 +149998,7 @@");
    expect(hunks.split("\n")).toHaveLength(10);
    const other = Buffer.from(lines.map((text) => `other ${text}`).join(""));
    expect(textHunks(old, other).split("\n", 1)).toStrictEqual(["@@ -1,300000 +1,300000 @@"]);
  });

  test("base85 and C quoting read back what they wrote, and git's refusals are known", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const lines = encodeBase85(Buffer.from(bytes)).split("\n").slice(0, -1);
        expect(Buffer.concat(lines.map(decodeBase85Line))).toStrictEqual(Buffer.from(bytes));
        const name = Buffer.from(bytes.filter((byte) => byte !== 0)).toString("latin1");
        const quoted = Buffer.from(quoteName(name)).toString("latin1");
        expect(quoted.startsWith('"') ? unquoteName(quoted) : { name: quoted, rest: "" }).toStrictEqual({
          name,
          rest: "",
        });
      }),
    );
    const names = [".GIT", "a/.Git ", "git~1/x", ".git...", ".gitignore", "x.git", "git~2"];
    expect(names.map((name) => isRefusedByGit(name, false))).toStrictEqual([
      true,
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect([isRefusedByGit(".gitmodules", true), isRefusedByGit(".gitmodules", false)]).toStrictEqual([true, false]);
  });
});
