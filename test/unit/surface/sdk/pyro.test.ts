// Proves that the SDK says the same as the wire, in camelCase, and fails only with PyroErrors.
import { join } from "node:path";
import { expect, expectTypeOf, test } from "vitest";
import * as z from "zod";
import { PyroError } from "../../../../src/base/error.js";
import { call, say } from "../../../../src/base/say.js";
import { toCamel, toSnake, type Camel } from "../../../../src/surface/sdk/case.js";
import { Pyro } from "../../../../src/surface/sdk/pyro.js";
import type { Methods } from "../../../../src/surface/sdk/methods.js";
import type { BoundMethods } from "../../../../src/surface/sdk/workspace.js";
import { fakeDaemon, ranFine, untilCanceled } from "../fake-daemon.js";

const nested = z.object({
  file_count: z.int(),
  env_map: z.record(z.string(), z.string()).optional(),
  skipped_files: z.array(z.object({ host_path: z.string() })).default([]),
  last_error: z.object({ exit_code: z.int() }).nullable(),
});

test("fields change their case at every depth, names that users chose do not", () => {
  const wire = {
    file_count: 1,
    env_map: { MY_VAR: "a_b" },
    skipped_files: [{ host_path: "x_y" }],
    last_error: { exit_code: 1 },
  };
  const camel = {
    fileCount: 1,
    envMap: { MY_VAR: "a_b" },
    skippedFiles: [{ hostPath: "x_y" }],
    lastError: { exitCode: 1 },
  };
  expect(toCamel(nested, wire)).toEqual(camel);
  expect(toSnake(nested, camel)).toEqual(wire);
  expect(toCamel(nested, { ...wire, last_error: null })).toEqual({ ...camel, lastError: null });
  expectTypeOf<Camel<z.output<typeof nested>>>().toEqualTypeOf<{
    fileCount: number;
    envMap?: Record<string, string> | undefined;
    skippedFiles: { hostPath: string }[];
    lastError: { exitCode: number } | null;
  }>();
});

test("a method calls its operation and returns its result", async () => {
  const { connector, calls } = fakeDaemon(() => ({ ...ranFine, stdout: "hi\n" }));
  const result = await new Pyro({ connector }).runInVm({
    environment: "debian:12",
    command: ["echo", "hi"],
    memMib: 256,
  });
  expect(calls).toEqual([
    {
      name: "vm_run",
      input: {
        environment: "debian:12",
        command: ["echo", "hi"],
        vcpu_count: 1,
        allow_host_compat: false,
        mem_mib: 256,
        timeout_seconds: 300,
        ttl_seconds: 600,
        max_output_bytes: 134_217_728,
      },
    },
  ]);
  expect(result).toMatchObject({ exitCode: 0, oomKilled: false, stdout: "hi\n" });
  expectTypeOf(result.exitCode).toEqualTypeOf<number>();
});

test("a method whose fields may all be left out takes no input", async () => {
  const { connector } = fakeDaemon(() => ({ environments: [] }));
  expect(await new Pyro({ connector }).listEnvironments()).toEqual({ environments: [] });
});

test("unknown fields are refused before a daemon is asked, wire names too", async () => {
  const { connector, starts } = fakeDaemon(() => ranFine);
  const input = Object.assign({ environment: "debian:12", command: "x" }, { memory: 1 });
  await expect(new Pyro({ connector }).runInVm(input)).rejects.toMatchObject({ code: "invalid_argument" });
  expect(starts()).toBe(0);
});

test("output streams when it is asked for", async () => {
  const { connector } = fakeDaemon(async (_call, { onOutput }) => {
    await onOutput?.("stdout", Buffer.from("a"));
    await onOutput?.("stderr", Buffer.from("b"));
    return ranFine;
  });
  const seen: string[] = [];
  const onOutput = (stream: string, data: Uint8Array) => void seen.push(`${stream}:${Buffer.from(data).toString()}`);
  await new Pyro({ connector }).runInVm({ environment: "debian:12", command: "x" }, { onOutput });
  expect(seen).toEqual(["stdout:a", "stderr:b"]);
});

test("whatever ends the caller's signal, the method fails with a PyroError", async () => {
  const { connector } = fakeDaemon((_call, { signal }) => untilCanceled(signal));
  const pyro = new Pyro({ connector });
  const input = { environment: "debian:12", command: "x" };
  const failures = await Promise.all(
    [AbortSignal.abort(), AbortSignal.abort("why"), AbortSignal.timeout(5)].map((signal) =>
      pyro.runInVm(input, { signal }).catch((error: unknown) => error),
    ),
  );
  expect(failures.map((error) => error instanceof PyroError && error.code)).toEqual([
    "canceled",
    "canceled",
    "canceled",
  ]);
});

const view = {
  workspace_id: "ws_abcdefghijkl",
  name: null,
  labels: { MY_KEY: "x" },
  state: "running",
  environment: "debian:12",
  vcpu_count: 1,
  mem_mib: 1024,
  ttl_seconds: 28_800,
  network_policy: "off",
  created_at: "2026-11-20T10:00:00.000Z",
  last_active_at: "2026-11-20T10:00:00.000Z",
  last_reset_at: null,
  stopped_at: null,
  deletes_at: null,
  failure: null,
  phase: null,
  workspace_seed: null,
};

test("a workspace as an object has the methods of its operations, and is deleted when it is disposed", async () => {
  const { connector, calls } = fakeDaemon(({ name }) => {
    if (name === "workspace_delete") return { workspace_id: view.workspace_id, deleted: true };
    return name === "workspace_file_write" ? { path: "a", bytes: 1, restarted: false } : view;
  });
  {
    await using workspace = await new Pyro({ connector }).workspace({ seedPath: "some/folder" });
    expect([workspace.id, workspace.created.labels]).toEqual([view.workspace_id, { MY_KEY: "x" }]);
    expectTypeOf(workspace.writeFile).parameter(0).toEqualTypeOf<{ path: string; text: string }>();
    await workspace.writeFile({ path: "a", text: "b" });
    await workspace.reset();
  }
  expect(calls.map(({ name, input }) => [name, Object(input).workspace_id])).toEqual([
    ["workspace_create", undefined],
    ["workspace_file_write", view.workspace_id],
    ["workspace_reset", view.workspace_id],
    ["workspace_delete", view.workspace_id],
  ]);
  expect(Object(calls[0]?.input).seed_path).toBe(join(process.cwd(), "some/folder"));
});

test("a hint that names a call names a method", async () => {
  const hint = say`Look at ${call("workspace_status", { workspace_id: "w" })}.`;
  const { connector } = fakeDaemon(() => Promise.reject(new PyroError("unavailable", "Gone.", { hint })));
  const failure = await new Pyro({ connector }).resetWorkspace({ workspaceId: "w" }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ hint: 'Look at `pyro.statusWorkspace({ workspaceId: "w" })`.' });
});

test("what is bound to a workspace is every method that takes its id, whatever the method is called", () => {
  type Id = { workspaceId: string };
  type Some = {
    openShell: (input: Id & { columns: number }) => Promise<number>;
    statusWorkspace: (input: Id) => Promise<string>;
    listEnvironments: (input?: { all?: boolean }) => Promise<string>;
  };
  expectTypeOf<keyof BoundMethods<Some>>().toEqualTypeOf<"openShell" | "status">();
  expectTypeOf<BoundMethods<Some>["openShell"]>().parameter(0).toEqualTypeOf<{ columns: number }>();
});

test("a workspace has at run time what its type says, no more and no less", async () => {
  // A record needs each method of the type, and takes no other.
  const typed: Record<keyof BoundMethods<Methods>, true> = {
    applyPatch: true,
    delete: true,
    diff: true,
    exec: true,
    export: true,
    listFiles: true,
    logs: true,
    pushSync: true,
    readFile: true,
    reset: true,
    start: true,
    status: true,
    stop: true,
    summarize: true,
    update: true,
    wait: true,
    writeFile: true,
  };
  const { connector } = fakeDaemon(() => view);
  const workspace = await new Pyro({ connector }).workspace();
  const { id, created, ...methods } = workspace;
  expect([id, created.workspaceId]).toEqual([view.workspace_id, view.workspace_id]);
  expect(Object.keys(methods).toSorted()).toEqual(Object.keys(typed).toSorted());
});
