// Owns the operations on environments. Never builds one.
import * as z from "zod";
import type { EnvironmentSummary } from "../environment/environment.js";
import { environmentName, environmentSummary } from "./fields.js";
import { operation } from "./operation.js";

export const envListOperation = operation({
  name: "env_list",
  title: "List environments",
  summary: "List the environments that exist and which of them are installed.",
  effect: "read",
  sdk: "listEnvironments",
  cli: { path: ["env", "list"], paint: "states" },
  input: z.strictObject({}),
  output: z.object({ environments: z.array(environmentSummary) }),
  handler: async (parts) => ({ environments: (await parts.environments.list()).map(toWire) }),
  text: (result) => result.environments.map((each) => line(each)).join("\n"),
});

export const envPullOperation = operation({
  name: "env_pull",
  title: "Install an environment",
  summary: "Install an environment, or repair a broken one.",
  effect: "change",
  sdk: "pullEnvironment",
  cli: { path: ["env", "pull"], positionals: ["environment"] },
  input: z.strictObject({ environment: environmentName }),
  output: z.object({
    changed: z.boolean().describe("False when it was already there and whole."),
    ...environmentSummary.shape,
  }),
  handler: async (parts, request, call) => {
    const pulled = await parts.environments.pull(request.environment, call);
    const summary = await parts.environments.inspect(pulled.environment.name, call.signal);
    return { changed: pulled.changed, ...toWire(summary) };
  },
  text: (result) => `${result.changed ? "Installed" : "Already installed"}: ${line(result)}`,
});

export const envInspectOperation = operation({
  name: "env_inspect",
  title: "Inspect an environment",
  summary: "Verify an environment's files and show everything that is known about it.",
  effect: "read",
  sdk: "inspectEnvironment",
  cli: { path: ["env", "inspect"], positionals: ["environment"] },
  input: z.strictObject({ environment: environmentName }),
  output: z.object({
    ...environmentSummary.shape,
    manifest: z.unknown().describe("The install's record; null when not installed."),
  }),
  handler: async (parts, request, call) => {
    const found = await parts.environments.inspect(request.environment, call.signal);
    return { ...toWire(found), manifest: found.manifest ?? null };
  },
  text: (result) => JSON.stringify(result, null, 2),
});

export const envPruneOperation = operation({
  name: "env_prune",
  title: "Remove unused environment files",
  summary: "Remove half-made files and images that no installed environment uses.",
  effect: "delete",
  sdk: "pruneEnvironments",
  cli: { path: ["env", "prune"] },
  input: z.strictObject({}),
  output: z.object({ removed: z.array(z.string()), freed_bytes: z.int() }),
  handler: async (parts, _request, call) => {
    const pruned = await parts.environments.prune(call.signal);
    return { removed: [...pruned.removed], freed_bytes: pruned.freedBytes };
  },
  text: (result) => `Removed ${result.removed.length} files, ${mebibytes(result.freed_bytes)}.`,
});

function toWire(summary: EnvironmentSummary): z.output<typeof environmentSummary> {
  return {
    name: summary.name,
    description: summary.description,
    state: summary.state,
    image_bytes: summary.imageBytes,
    image_digest: summary.imageDigest ?? null,
    source: summary.source ?? null,
    installed_at: summary.installedAt ?? null,
  };
}

function line(each: z.output<typeof environmentSummary>): string {
  const size = each.state === "installed" ? mebibytes(each.image_bytes) : "";
  return `${each.name.padEnd(18)} ${each.state.padEnd(14)} ${size.padStart(9)}  ${each.description}`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
