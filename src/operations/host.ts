// Owns the operations that register `pyro mcp serve` with a chat host and examine that. Never knows how a host keeps it.
import * as z from "zod";
import { hostFindingCodes, hostStates } from "../chat-host/finding.js";
import { hostNames, scopes } from "../chat-host/host.js";
import { severities } from "../base/severity.js";
import { shellWord } from "../base/shell-word.js";
import { findingText } from "./finding-text.js";
import { operation } from "./operation.js";
import { checkServeChoices, serveChoicesOf, serveFields, serveFlagNames, serveFlagsOf } from "./serve-choices.js";

const host = z.enum(hostNames).meta({ title: "HOST", description: hostNames.join(", ") });

/** What hands type for a host. */
const alsoMeant = { host: { claude: "claude-code" } } as const;

const scope = z
  .enum(scopes)
  .default("user")
  .describe("For every project of yours, or in a file of this project, which others may get.");

const hostPaths = { project_path: "read", allow_host_paths: "read" } as const;

const change = z.object({
  scope: z.enum([...scopes, "local"]),
  file: z.string(),
  diff: z.string().describe("Unified diff without context."),
});

const finding = z.object({
  code: z.enum(hostFindingCodes).describe("Has a section in docs/troubleshooting.md."),
  host: z.enum(hostNames),
  title: z.string(),
  severity: z.enum(severities).describe("error: it has no tools of pyro; warning: not those, or not as it should be."),
  text: z.string(),
  fix: z.string().nullable().describe("What a person can do about it."),
});

const examination = z.object({
  ok: z
    .boolean()
    .describe("Nothing is wrong; a host that is not installed or not connected is no fault unless it was named."),
  hosts: z.array(
    z.object({
      host: z.enum(hostNames),
      state: z.enum(hostStates),
      scope: z.enum([...scopes, "local"]).nullable(),
      file: z.string().nullable().describe("Where the entry is that counts."),
      milliseconds: z.int().nullable().describe("From the server's start to its list of tools."),
    }),
  ),
  findings: z.array(finding),
});

/** As for every failure to find a machine to run on. */
const unavailable = 69;

export const hostConnectOperation = operation({
  name: "host_connect",
  title: "Connect a chat host",
  summary: "Register `pyro mcp serve` with a chat host, and show what that changes.",
  effect: "change",
  cli: { path: ["host", "connect"], positionals: ["host"], alsoMeant, flagNames: serveFlagNames },
  hostPaths,
  input: z.strictObject({
    host,
    ...serveFields,
    scope,
    dry_run: z.boolean().default(false).describe("Only show what would change."),
  }),
  output: z.object({
    host: z.enum(hostNames),
    changed: z.boolean().describe("False: it was connected already, just so."),
    dry_run: z.boolean(),
    file: z.string(),
    command: z
      .array(z.string())
      .nullable()
      .describe("The host's own command that did it; null where the file was edited."),
    change: change.nullable(),
    next: z.array(z.string()).describe("What to do now, a sentence each."),
  }),
  inCaller: async ({ chatHosts }, input, task) => {
    const choices = serveChoicesOf(input);
    checkServeChoices(choices);
    const request = { scope: input.scope, flags: serveFlagsOf(choices), dryRun: input.dry_run };
    const { file, change, command, next } = await chatHosts.connect(input.host, request, task);
    return {
      host: input.host,
      changed: change !== undefined,
      dry_run: input.dry_run,
      file,
      change: change ?? null,
      command: command === undefined ? null : [...command],
      next: [...next],
    };
  },
  text: ({ changed, dry_run, file, command, change, next }) => {
    if (!changed) return `Already connected, in ${file}. Nothing was changed.`;
    const how = command === null ? [] : [`${dry_run ? "Would run" : "Ran"}: ${command.map(shellWord).join(" ")}`];
    const what = `${dry_run ? "Would change" : "Changed"} ${file}:`;
    return [...how, what, change?.diff ?? "", "", ...(dry_run ? [] : next)].join("\n").trimEnd();
  },
});

export const hostPrintConfigOperation = operation({
  name: "host_print_config",
  title: "Print a chat host's entry",
  summary: "Print the entry that `host connect` would make, to put in by hand.",
  effect: "read",
  cli: {
    path: ["host", "print-config"],
    positionals: ["host"],
    alsoMeant,
    flagNames: serveFlagNames,
    toFile: { output: "config" },
  },
  hostPaths,
  input: z.strictObject({ host, ...serveFields, scope }),
  output: z.object({
    host: z.enum(hostNames),
    file: z.string().describe("Where it goes."),
    config: z.string().describe("In the format of that file."),
  }),
  inCaller: async ({ chatHosts }, input) => {
    const choices = serveChoicesOf(input);
    checkServeChoices(choices);
    const request = { scope: input.scope, flags: serveFlagsOf(choices) };
    return { host: input.host, ...(await chatHosts.printConfig(input.host, request)) };
  },
  text: ({ config }) => config,
});

export const hostDoctorOperation = operation({
  name: "host_doctor",
  title: "Examine chat hosts",
  summary: "Say which chat hosts are connected, and start the server as each of them would.",
  effect: "read",
  cli: {
    path: ["host", "doctor"],
    paint: "findings",
    positionals: ["host"],
    alsoMeant,
    exitCode: (result) => (result["ok"] === true ? 0 : unavailable),
  },
  input: z.strictObject({ host: host.optional() }),
  output: examination,
  inCaller: async ({ chatHosts }, input, task) => {
    const all = await chatHosts.examine(input.host, task);
    const findings = all.flatMap((each) => each.findings);
    return {
      ok: !findings.some(({ severity }) => severity === "error" || severity === "warning"),
      hosts: all.map(({ host, state, scope, file, milliseconds }) => ({ host, state, scope, file, milliseconds })),
      findings,
    };
  },
  text: ({ findings }) => findings.map(findingText).join("\n"),
});

export const hostRepairOperation = operation({
  name: "host_repair",
  title: "Repair a chat host's entry",
  summary: "Make a drifted entry right again, with its choices kept, and change nothing else.",
  effect: "change",
  cli: {
    path: ["host", "repair"],
    paint: "findings",
    positionals: ["host"],
    alsoMeant,
    exitCode: (result) => (result["ok"] === true ? 0 : unavailable),
  },
  input: z.strictObject({ host }),
  output: z.object({
    changes: z.array(change),
    notes: z.array(z.string()).describe("Choices that could not be kept."),
    ok: z.boolean().describe("Nothing is wrong now."),
    findings: z.array(finding).describe("Of an examination afterwards."),
  }),
  inCaller: async ({ chatHosts }, input, task) => {
    const { changes, notes } = await chatHosts.repair(input.host);
    const after = await chatHosts.examine(input.host, task);
    const findings = after.flatMap((each) => each.findings);
    const ok = !findings.some(({ severity }) => severity === "error" || severity === "warning");
    return { changes: [...changes], notes: [...notes], ok, findings };
  },
  text: ({ changes, notes, findings }) => {
    const done = changes.flatMap(({ file, diff }) => [`Changed ${file}:`, diff]);
    const what = changes.length === 0 ? ["The entry is as it should be. Nothing was changed."] : done;
    return [...what, ...notes, "", ...findings.map(findingText)].join("\n");
  },
});
