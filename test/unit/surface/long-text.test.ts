// Proves that a long patch goes in and a long diff comes out in pieces on the surfaces that can, and that half of one is never taken for it.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PyroError } from "../../../src/base/error.js";
import { outputText, wholeInput } from "../../../src/operations/long-text.js";
import { operations } from "../../../src/operations/table.js";
import type { Operation } from "../../../src/operations/operation.js";
import { parseCommandArguments } from "../../../src/surface/cli/arguments.js";
import { commandOf, type Selection } from "../../../src/surface/cli/command.js";
import { runOperation } from "../../../src/surface/cli/run-operation.js";
import type { Sink } from "../../../src/surface/cli/sink.js";
import { toolsOf } from "../../../src/surface/mcp/tools.js";
import { Pyro } from "../../../src/surface/sdk/pyro.js";
import { fakeDaemon, type Answer } from "./fake-daemon.js";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "pyro-long-text-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function operationOf(name: string): Operation {
  const found = operations.find((each) => each.name === name);
  if (found === undefined) throw new Error(`There is no ${name}.`);
  return found;
}

const applied = { changed: true, already_applied: false, files: [], restarted: false };
const diffed = {
  ...{ clean: false, entries: [], counts: {}, ignored: { file_count: 0, paths: [] }, omitted: [], patch: "" },
  ...{ patch_truncated: false, entries_truncated: false, restarted: false },
};
const long = "+ü\n".repeat(2_000_000);

function memorySink(): Sink & { text(): string } {
  let all = "";
  const write = async (data: string | Uint8Array) => void (all += Buffer.from(data).toString());
  return { isTerminal: false, columns: () => 80, write, pass: write, text: () => all };
}

/** The command as a person types it, with the daemon that a test says. */
async function onCommandLine(name: string, args: readonly string[], answer: Answer) {
  const operation = operationOf(name);
  const command = commandOf(operation, runOperation);
  if (command === undefined) throw new Error("It has no place on the command line.");
  const texts = { read: () => Promise.reject(new Error("It was read whole.")), isPiped: () => false };
  const parsed = await parseCommandArguments(command, args, texts);
  if (parsed.kind !== "input") throw new Error("It is no call.");
  const [stdout, stderr] = [memorySink(), memorySink()];
  const { connector, calls } = fakeDaemon(answer);
  const { input, selection }: { input: object; selection: Selection | undefined } = parsed;
  const context = { connector, stdout, stderr, json: false, outputFailed: new AbortController().signal };
  await command.run({ ...input }, { ...context, settled: () => undefined, selection });
  return { calls, stdout: stdout.text(), stderr: stderr.text() };
}

test("a patch file of any length goes beside the input; so does a long text of a program, a short one within", async () => {
  writeFileSync(join(folder, "p.patch"), long);
  const seen: (string | undefined)[] = [];
  const answer: Answer = async (_call, { stdin }) => {
    seen.push(stdin === undefined ? undefined : (await buffer(stdin)).toString());
    return applied;
  };
  const file = join(folder, "p.patch");
  const line = await onCommandLine("workspace_patch_apply", ["w", "--patch-file", file], answer);
  const daemon = fakeDaemon(answer);
  const pyro = new Pyro({ connector: daemon.connector });
  await pyro.applyWorkspacePatch({ workspaceId: "w", patchFile: file });
  await pyro.applyWorkspacePatch({ workspaceId: "w", patch: long });
  await pyro.applyWorkspacePatch({ workspaceId: "w", patch: "short" });
  expect([...line.calls, ...daemon.calls].map(({ input }) => input)).toEqual([
    ...[{ workspace_id: "w" }, { workspace_id: "w" }, { workspace_id: "w" }],
    { workspace_id: "w", patch: "short" },
  ]);
  expect(seen.map((text) => text === long)).toEqual([true, true, true, false]);
});

test("a file that is not there or no file, none and both of the two are refused before anything is started", async () => {
  const daemon = fakeDaemon(() => applied);
  const pyro = new Pyro({ connector: daemon.connector });
  const refusal = (input: object) =>
    pyro
      .applyWorkspacePatch({ workspaceId: "w", ...input })
      .catch((error: unknown) => (error instanceof PyroError ? [error.code, error.message] : error));
  expect(await refusal({ patchFile: "/nowhere/p" })).toEqual(["not_found", "There is no file /nowhere/p."]);
  expect(await refusal({ patchFile: folder })).toEqual(["invalid_argument", `${folder} is a folder.`]);
  expect(await refusal({})).toEqual(["invalid_argument", "patch or patch_file is missing."]);
  expect(await refusal({ patch: "p", patchFile: "f" })).toEqual([
    "invalid_argument",
    "patch and patch_file exclude each other.",
  ]);
  expect(daemon.starts()).toBe(0);
});

test("over MCP a patch is a text within the message, and no file", () => {
  const tool = toolsOf({ profile: "workspace-core" }).find(({ tool: { name } }) => name === "workspace_patch_apply");
  expect(Object.keys(tool?.input.shape ?? {})).toEqual(["workspace_id", "patch"]);
});

test("the daemon takes only what came whole: of a client that went away it takes nothing", async () => {
  const call = (whole: boolean) =>
    ({ stdin: Readable.from([Buffer.from("half")]), hasWholeStdin: () => whole }) as unknown as Parameters<
      typeof wholeInput
    >[0];
  const text = async (whole: boolean) => (await buffer(Readable.from(wholeInput(call(whole))))).toString();
  expect(await text(true)).toBe("half");
  await expect(text(false)).rejects.toMatchObject({ code: "canceled" });
});

test("a text goes out whole, never cut within a character", async () => {
  const pieces: Buffer[] = [];
  const output = async (_stream: string, data: Uint8Array) => void pieces.push(Buffer.from(data));
  const text = "😀".repeat(200_000);
  await outputText({ output } as unknown as Parameters<typeof outputText>[0], `x${text}`);
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.map(String).join("") === `x${text}`).toBe(true);
});

const halves: Answer = async (_call, { onOutput }) => {
  for (const half of ["first\n", "second\n"]) await onOutput?.("stdout", Buffer.from(half));
  return diffed;
};

test("a diff is written to its file as it comes, or printed once it is whole", async () => {
  const path = join(folder, "d.patch");
  const written = await onCommandLine("workspace_diff", ["w", "--output", path], halves);
  expect([written.stdout, written.stderr]).toEqual(["", `pyro: Wrote 13 bytes to ${path}.\n`]);
  expect([readFileSync(path, "utf8"), readdirSync(folder)]).toEqual(["first\nsecond\n", ["d.patch"]]);
  expect((await onCommandLine("workspace_diff", ["w"], halves)).stdout).toBe("first\nsecond\n");
});

test("a diff that fails on its way leaves no file, prints nothing, and a file that is there stays as it is", async () => {
  const path = join(folder, "d.patch");
  const breaks: Answer = async (_call, { onOutput }) => {
    await onOutput?.("stdout", Buffer.from("first\n"));
    throw new PyroError("unavailable", "It broke.");
  };
  await expect(onCommandLine("workspace_diff", ["w", "--output", path], breaks)).rejects.toThrow("It broke.");
  await expect(onCommandLine("workspace_diff", ["w"], breaks)).rejects.toThrow("It broke.");
  expect(readdirSync(folder)).toEqual([]);
  writeFileSync(path, "mine");
  await expect(onCommandLine("workspace_diff", ["w", "--output", path], halves)).rejects.toMatchObject({
    code: "already_exists",
  });
  const nowhere = join(folder, "no/d.patch");
  await expect(onCommandLine("workspace_diff", ["w", "--output", nowhere], halves)).rejects.toThrow(
    "cannot be written",
  );
  const appears: Answer = async (call, options) => {
    writeFileSync(join(folder, "late"), "mine");
    return halves(call, options);
  };
  await expect(onCommandLine("workspace_diff", ["w", "--output", join(folder, "late")], appears)).rejects.toThrow(
    "exists",
  );
  expect([readFileSync(path, "utf8"), readFileSync(join(folder, "late"), "utf8"), readdirSync(folder).sort()]).toEqual([
    ...["mine", "mine"],
    ["d.patch", "late"],
  ]);
});
