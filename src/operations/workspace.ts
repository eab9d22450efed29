// Owns the operations on a workspace as a whole. Never what happens inside one.
import * as z from "zod";
import { say } from "../base/say.js";
import { defaultEnvironment, environmentName, memMib, vcpuCount } from "./fields.js";
import { besideLoop, mainLoop } from "./offer.js";
import { operation } from "./operation.js";
import { maxLabels } from "../workspace/record/record.js";
import {
  allowHostPathFlag,
  allowHostPaths,
  backgroundCommands,
  hostPath,
  include,
  workspaceId,
  workspaceView,
} from "./workspace-fields.js";
import { bytesText, factLines, labelText, workspaceTable, workspaceText } from "./workspace-text.js";
import { viewOfStatus, viewOfWorkspace } from "./workspace-view.js";

const full = ["workspace-full"] as const;

const name = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/u, "must be 1 to 63 of a-z, 0-9 and -, not - at its ends")
  .describe("Name, unique among your workspaces; also the machine's host name.");
const labels = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/u, "is not a label's key")
      .regex(/^(?!pyro\/)/u, "begins with pyro/, which is pyro's own"),
    z.string().max(256),
  )
  .refine((given) => Object.keys(given).length <= maxLabels, `has more than ${maxLabels} labels`)
  .meta({ description: "Labels of your own, KEY=VALUE; at most 64.", maxProperties: maxLabels });

const createInput = z.strictObject({
  environment: environmentName.default(defaultEnvironment),
  seed_path: hostPath
    .optional()
    .meta({ title: "PATH", description: "Folder, Git checkout or .tar, .tar.gz, .tgz, .tar.zst to start from." }),
  project_path: hostPath.optional().describe("Like seed_path, where the server's own choice is meant."),
  repo_url: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .describe("Repository to clone on the host and start from; without a password or token in it."),
  repo_ref: z.string().min(1).max(256).optional().describe("Branch, tag or commit of repo_url."),
  include,
  allow_host_paths: allowHostPaths,
  name: name.optional(),
  labels: labels.default({}),
  vcpu_count: vcpuCount,
  mem_mib: memMib,
  ttl_seconds: z.int().min(0).max(2_592_000).default(28_800).describe("Idle seconds until it is stopped; 0 = never."),
  wait_seconds: z
    .number()
    .min(0)
    .max(3600)
    .default(3600)
    .describe("Answer after this long, also when it is not ready."),
});

const createMcpInput = createInput
  .pick({
    environment: true,
    seed_path: true,
    name: true,
    labels: true,
    vcpu_count: true,
    mem_mib: true,
    ttl_seconds: true,
  })
  .strict();

export const workspaceCreateOperation = operation({
  name: "workspace_create",
  title: "Create a workspace",
  summary: "Create a workspace: a machine that stays, with your files in /workspace.",
  effect: "create",
  sdk: "createWorkspace",
  cli: {
    path: ["workspace", "create"],
    positionals: ["environment"],
    omit: ["project_path", "repo_url", "repo_ref", "wait_seconds"],
    flagNames: { labels: "label", ...allowHostPathFlag },
    only: { "id-only": "workspace_id" },
    notes: [
      "Of a Git checkout the ignored files stay out. --include node_modules takes some along: the workspace starts with them, a",
      "reset keeps them, the diff does not show them, and the next workspace with the same files starts from the same image.",
    ],
  },
  mcp: {
    ...mainLoop,
    input: createMcpInput,
    waits: "wait_seconds",
    description:
      "Creates a disposable Linux machine with the project's files, uncommitted changes included, in /workspace. Call it " +
      "first; then work with workspace_exec, workspace_patch_apply and the file tools. Nothing in it touches the host. " +
      "Without seed_path it starts from the project this server was started in. Returns workspace_id for all other calls, " +
      "and what was seeded. If state is `creating`, call workspace_status until it is `running`.",
  },
  hostPaths: { seed_path: "read", project_path: "read", allow_host_paths: "read" },
  input: createInput,
  output: workspaceView,
  handler: async ({ workspaces }, input, call) => {
    const { seed_path, project_path, repo_url, repo_ref, include: files, allow_host_paths } = input;
    const request = {
      environment: input.environment,
      name: input.name,
      labels: input.labels,
      vcpuCount: input.vcpu_count,
      memMib: input.mem_mib,
      ttlSeconds: input.ttl_seconds,
      waitMs: input.wait_seconds * 1000,
      seed: { seed_path, project_path, repo_url, repo_ref, include: files, allow_host_paths },
    };
    return viewOfWorkspace(await workspaces.create(request, call));
  },
  text: workspaceText,
});

export const workspaceListOperation = operation({
  name: "workspace_list",
  title: "List workspaces",
  summary: "List your workspaces: how old, when last used, and when stopped ones will be deleted.",
  effect: "read",
  sdk: "listWorkspaces",
  cli: { path: ["workspace", "list"], paint: "states" },
  mcp: {
    ...besideLoop("find a workspace of an earlier session"),
    input: z.strictObject({}),
    description: "Lists the workspaces of this user with state, name, labels and seed.",
  },
  input: z.strictObject({}),
  output: z.object({
    workspaces: z.array(workspaceView),
    quarantined: z
      .array(z.object({ id: z.string(), reason: z.string() }))
      .describe("Records that could not be read; kept aside."),
    newer: z
      .array(z.object({ id: z.string(), name: z.string().nullable(), reason: z.string() }))
      .describe("Workspaces that a newer pyro made; left as they are."),
  }),
  handler: ({ workspaces }) => {
    const { quarantined, newer, ...found } = workspaces.list();
    return Promise.resolve({
      workspaces: found.workspaces.map(viewOfWorkspace),
      quarantined: [...quarantined],
      newer: newer.map(({ id, name: called, reason }) => ({ id, name: called, reason })),
    });
  },
  text: (result) =>
    [
      result.workspaces.length === 0 ? "No workspaces." : workspaceTable(result.workspaces, Date.now()),
      ...result.quarantined.map(({ id, reason }) => `${id} cannot be read and is kept aside: ${reason}`),
      ...result.newer.map(
        ({ id, name, reason }) => `${id}${name === null ? "" : ` (${name})`} is left as it is. ${reason}`,
      ),
    ].join("\n"),
});

const updateInput = z.strictObject({
  workspace_id: workspaceId,
  name: name.optional(),
  clear_name: z.boolean().default(false).describe("Take the name away."),
  labels: labels.default({}),
  clear_labels: z
    .array(z.string().max(63))
    .max(64)
    .default([])
    .meta({ title: "KEY", description: "Keys of labels to take away." }),
});

export const workspaceUpdateOperation = operation({
  name: "workspace_update",
  title: "Update a workspace",
  summary: "Change a workspace's name or labels.",
  effect: "change",
  needs: "record",
  sdk: "updateWorkspace",
  cli: {
    path: ["workspace", "update"],
    positionals: ["workspace_id"],
    flagNames: { labels: "label", clear_labels: "clear-label" },
  },
  mcp: {
    ...besideLoop("rename or label a workspace"),
    input: updateInput,
    description: "Changes a workspace's name or labels.",
  },
  input: updateInput,
  output: workspaceView,
  handler: async ({ workspaces }, { workspace_id: id, clear_name, clear_labels, ...change }, call) => {
    const request = { id, ...change, clearName: clear_name, clearLabels: clear_labels };
    return viewOfWorkspace(await workspaces.update(request, call));
  },
  text: workspaceText,
});

const idInput = z.strictObject({ workspace_id: workspaceId });

export const workspaceStatusOperation = operation({
  name: "workspace_status",
  title: "Workspace status",
  summary: "Show a workspace's state, machine and use of disk and memory.",
  effect: "read",
  needs: "record",
  sdk: "statusWorkspace",
  cli: { path: ["workspace", "status"], positionals: ["workspace_id"], paint: "states" },
  mcp: {
    ...mainLoop,
    input: idInput,
    description: "Shows a workspace's state, running commands, disk and memory use. Also tells how far a creation is.",
  },
  input: idInput,
  output: workspaceView.extend({
    engine: z.string().nullable(),
    accelerator: z.string().nullable(),
    disk_bytes: z.int().describe("Bytes that its disk takes on the host."),
    memory_bytes: z.int().describe("Private memory of its machine on the host; 0 when stopped."),
    paused_reason: z.enum(["host_disk_full"]).nullable().describe("Why its machine is paused; it goes on by itself."),
    running_commands: z.array(z.int()).describe("Sequences of commands that run."),
    background_commands: backgroundCommands,
    service_count: z.int(),
    running_service_count: z.int(),
    shell_count: z.int(),
  }),
  handler: async ({ workspaces }, { workspace_id: id }, call) => viewOfStatus(await workspaces.status(id, call)),
  text: (result) =>
    say`${workspaceText(result)}\n${factLines({
      labels: labelText(result.labels),
      machine: `${result.vcpu_count} vCPU, ${result.mem_mib} MiB, network ${result.network_policy}`,
      engine: result.engine === null ? null : `${result.engine}, ${result.accelerator ?? "?"}`,
      disk: bytesText(result.disk_bytes),
      memory: result.memory_bytes === 0 ? null : bytesText(result.memory_bytes),
      commands: result.running_commands.length === 0 ? null : `running: ${result.running_commands.join(", ")}`,
      background:
        result.background_commands.length === 0
          ? null
          : `left processes running: ${result.background_commands.join(", ")}`,
      created: result.created_at,
      "last active": result.last_active_at,
      "last reset": result.last_reset_at,
      stopped: result.stopped_at,
      "idle stop": result.ttl_seconds === 0 ? "never" : `after ${result.ttl_seconds} s`,
    })}`,
});

export const workspaceResetOperation = operation({
  name: "workspace_reset",
  title: "Reset a workspace",
  summary: "Put a workspace back to what it was when it was created.",
  effect: "delete",
  needs: "stopped",
  sdk: "resetWorkspace",
  cli: { path: ["workspace", "reset"], positionals: ["workspace_id"] },
  mcp: {
    ...mainLoop,
    input: idInput,
    description:
      "Throws away everything done in the workspace, installed packages included, and starts a fresh machine with the same " +
      "seed. Instant; prefer it to repairing a broken state. History and running commands go, id and name stay.",
  },
  input: idInput,
  output: workspaceView,
  handler: async ({ workspaces }, { workspace_id: id }, call) => viewOfWorkspace(await workspaces.reset(id, call)),
  text: workspaceText,
});

export const workspaceStopOperation = operation({
  name: "workspace_stop",
  title: "Stop a workspace",
  summary: "Stop a workspace's machine; its disk is kept.",
  effect: "change",
  needs: "stopped",
  sdk: "stopWorkspace",
  cli: { path: ["workspace", "stop"], positionals: ["workspace_id"] },
  mcp: {
    profiles: full,
    loading: { foundBy: "stop a workspace and keep its disk" },
    input: idInput,
    description: "Stops the machine; the disk is kept. Using it starts it again.",
  },
  input: idInput,
  output: workspaceView,
  handler: async ({ workspaces }, { workspace_id: id }, call) => viewOfWorkspace(await workspaces.stop(id, call)),
  text: workspaceText,
});

export const workspaceStartOperation = operation({
  name: "workspace_start",
  title: "Start a workspace",
  summary: "Start a stopped workspace's machine on its disk.",
  effect: "change",
  needs: "stopped",
  sdk: "startWorkspace",
  cli: { path: ["workspace", "start"], positionals: ["workspace_id"] },
  mcp: {
    profiles: full,
    loading: { foundBy: "start a stopped workspace" },
    input: idInput,
    description: "Starts a stopped workspace; other calls do so by themselves.",
  },
  input: idInput,
  output: workspaceView,
  handler: async ({ workspaces }, { workspace_id: id }, call) => viewOfWorkspace(await workspaces.start(id, call)),
  text: workspaceText,
});

export const workspaceDeleteOperation = operation({
  name: "workspace_delete",
  title: "Delete a workspace",
  summary: "Delete a workspace with its machine, disk and record.",
  effect: "delete",
  needs: "stopped",
  sdk: "deleteWorkspace",
  cli: {
    path: ["workspace", "delete"],
    positionals: ["workspace_id"],
    several: { all: "workspace_list", in: "workspaces", does: "deletes" },
  },
  mcp: {
    ...mainLoop,
    input: idInput,
    description: "Deletes a workspace for good: machine, disk and history. Export what is wanted first.",
  },
  input: idInput,
  output: z.object({ workspace_id: z.string(), deleted: z.boolean() }),
  handler: async ({ workspaces }, { workspace_id: id }, call) => {
    const { id: deleted } = await workspaces.delete(id, call);
    return { workspace_id: deleted, deleted: true };
  },
  text: (result) => `Deleted ${result.workspace_id}.`,
});
