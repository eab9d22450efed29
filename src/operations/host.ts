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
  .optional()
  .describe("For every project of yours, which is the default, or in a file of this project, which others may get.");

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
    only_here: z
      .boolean()
      .default(false)
      .describe(
        "Take the host's own tools for commands and changes away, in its local settings of this project; in your own with --scope user.",
      ),
    dry_run: z.boolean().default(false).describe("Only show what would change."),
  }),
  output: z.object({
    host: z.enum(hostNames),
    changed: z.boolean().describe("False: its entry was there already, just so."),
    dry_run: z.boolean(),
    file: z.string(),
    command: z
      .array(z.string())
      .nullable()
      .describe("The host's own command that did it; null where the file was edited."),
    change: change.nullable(),
    only_here: z
      .object({ file: z.string(), change: change.nullable() })
      .nullable()
      .describe("The settings with which it runs commands in workspaces alone; change is null where they were there."),
    next: z.array(z.string()).describe("What to do now, a sentence each."),
  }),
  inCaller: async ({ chatHosts }, input, task) => {
    const choices = serveChoicesOf(input);
    checkServeChoices(choices);
    const { scope: named, only_here } = input;
    const request = {
      scope: named ?? "user",
      flags: serveFlagsOf(choices),
      dryRun: input.dry_run,
      onlyHere: only_here ? (named === "user" ? ("user" as const) : ("local" as const)) : undefined,
    };
    const { file, change, command, guard, next } = await chatHosts.connect(input.host, request, task);
    return {
      host: input.host,
      changed: change !== undefined,
      dry_run: input.dry_run,
      file,
      change: change ?? null,
      command: command === undefined ? null : [...command],
      only_here: guard === undefined ? null : { file: guard.file, change: guard.change ?? null },
      next: [...next],
    };
  },
  text: ({ dry_run, file, command, change, only_here: guard, next }) => {
    const changes = [change, guard?.change ?? null].filter((each) => each !== null);
    const how = command === null ? [] : [`${dry_run ? "Would run" : "Ran"}: ${command.map(shellWord).join(" ")}`];
    const what = changes.flatMap((each) => [`${dry_run ? "Would change" : "Changed"} ${each.file}:`, each.diff, ""]);
    const already = [
      ...(change === null ? [`Already connected, in ${file}.`] : []),
      ...(guard?.change === null ? [`Commands run in workspaces alone already, by ${guard.file}.`] : []),
    ].join(" ");
    if (changes.length === 0) return `${already} Nothing was changed.`;
    return [...how, ...(already === "" ? [] : [already]), ...what, ...(dry_run ? [] : next)].join("\n").trimEnd();
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
    const request = { scope: input.scope ?? "user", flags: serveFlagsOf(choices) };
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

export const hostDisconnectOperation = operation({
  name: "host_disconnect",
  title: "Disconnect a chat host",
  summary: "Take out of a chat host's settings what `host connect` has put in, and change nothing else.",
  effect: "change",
  cli: { path: ["host", "disconnect"], positionals: ["host"] },
  input: z.strictObject({ host }),
  output: z.object({
    host: z.enum(hostNames),
    changes: z.array(change).describe("Empty: there was nothing of pyro in its files."),
  }),
  inCaller: async ({ chatHosts }, input) => {
    const { changes } = await chatHosts.disconnect(input.host);
    return { host: input.host, changes: [...changes] };
  },
  text: ({ changes }) =>
    changes.length === 0
      ? "It was not connected. Nothing was changed."
      : changes.flatMap(({ file, diff }) => [`Changed ${file}:`, diff]).join("\n"),
});
