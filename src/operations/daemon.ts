// Owns the operations on the daemon itself. Never starts one: asking must not change the answer.
import * as z from "zod";
import { visibleLine } from "../base/visible.js";
import { logText } from "./log-text.js";
import { operation } from "./operation.js";

export const daemonStatusOperation = operation({
  name: "daemon_status",
  title: "Daemon status",
  summary: "Show the daemon of this user.",
  effect: "read",
  cli: { path: ["daemon", "status"] },
  input: z.strictObject({}),
  output: z.object({
    running: z.boolean(),
    pid: z.int().nullable().describe("Null, like version, socket, started_at, engine and accelerator, when none runs."),
    version: z.string().nullable(),
    socket: z.string().nullable(),
    started_at: z.string().nullable().describe("RFC 3339."),
    running_calls: z.int().describe("Calls in progress, this one not counted."),
    running_machines: z.int(),
    pooled_machines: z.int().describe("Machines that wait, paused, for the next call."),
    engine: z.string().nullable().describe("What runs its machines: qemu, or none where nothing does."),
    accelerator: z.string().nullable().describe("How that computes: kvm, tcg, or none where nothing runs."),
  }),
  withoutDaemon: {
    running: false,
    pid: null,
    version: null,
    socket: null,
    started_at: null,
    running_calls: 0,
    running_machines: 0,
    pooled_machines: 0,
    engine: null,
    accelerator: null,
  },
  handler: async (parts) => ({ running: true, ...parts.daemon.status() }),
  text: (result) =>
    !result.running
      ? "not running"
      : `running: pid ${result.pid}, version ${result.version}, since ${result.started_at}, ` +
        `${result.running_calls} calls, ${result.running_machines} machines, ${result.pooled_machines} waiting, on ${result.engine === "none" ? "no engine" : `${result.engine} with ${result.accelerator}`}`,
});

export const daemonStopOperation = operation({
  name: "daemon_stop",
  title: "Stop the daemon",
  summary: "Stop the daemon of this user; calls in progress are canceled.",
  effect: "change",
  cli: { path: ["daemon", "stop"] },
  input: z.strictObject({}),
  output: z.object({ stopped: z.boolean().describe("False when none was running.") }),
  handler: async (parts) => {
    await parts.daemon.stop();
    return { stopped: true };
  },
  // Whether it is gone, only who is outside of it can say.
  inCaller: async (parts, _, { signal }) => ({ stopped: await parts.stopDaemon(signal) }),
  text: (result) => (result.stopped ? "Stopped." : "No daemon was running."),
});

const defaultLines = 100;
const maxLines = 10_000;

export const daemonLogOperation = operation({
  name: "daemon_log",
  title: "Daemon log",
  summary: "Show what the daemon has logged: calls, machines, faults; never commands or files.",
  effect: "read",
  cli: { path: ["daemon", "log"] },
  input: z.strictObject({
    call: z
      .string()
      .regex(/^call_[a-z2-7]{12}$/u, "must be the id of a call, such as an error names")
      .optional()
      .meta({ title: "ID", description: "Only what belongs to this call, all of it." }),
    lines: z
      .int()
      .min(1)
      .max(maxLines)
      .optional()
      .meta({ title: "N", description: `Entries at most, the last ones; ${defaultLines} unless told.` }),
    follow: z.boolean().default(false).describe("Go on with what is logged from now on, until interrupted."),
  }),
  output: z.object({
    entries: z
      .array(z.record(z.string(), z.unknown()))
      .describe("Oldest first. Each has `at` (RFC 3339) and `event`; what else depends on the event."),
    stderr: z.string().describe("The end of what the daemon's process printed by itself; as a rule empty."),
  }),
  inCaller: async ({ daemonLog }, { call, lines, follow }, { signal, part }) => {
    const query = { call, lines: lines ?? (call === undefined ? defaultLines : maxLines) };
    if (!follow) {
      const stderr = call === undefined ? await daemonLog.stderr() : "";
      return { entries: [...(await daemonLog.read(query))], stderr };
    }
    await daemonLog.follow(query, signal, (entries) => part({ entries: [...entries], stderr: "" }));
    return { entries: [], stderr: "" };
  },
  text: ({ entries, stderr }) =>
    [...entries.map(logText), ...(stderr === "" ? [] : ["printed by its process:", stderr])].join("\n"),
});

const auditFailed = 1;

export const daemonAuditOperation = operation({
  name: "daemon_audit",
  title: "Audit of what pyro owns",
  summary: "List every process, lock, socket, folder and file of pyro, and who owns it; what has no owner is a fault.",
  effect: "read",
  cli: { path: ["daemon", "audit"], exitCode: ({ ok }) => (ok === true ? 0 : auditFailed) },
  input: z.strictObject({}),
  output: z.object({
    ok: z.boolean().describe("Everything has an owner."),
    things: z.array(
      z.object({
        kind: z.string().describe("process, lock, socket, folder or file."),
        what: z.string().describe("A path, or a process's number and program."),
        owner: z.string().nullable().describe("Who removes it; null: nobody."),
        fix: z.string().nullable().describe("What to do about one without an owner; null for all others."),
      }),
    ),
  }),
  inCaller: async ({ audit }, _, { signal }) => {
    const things = await audit(signal);
    return {
      ok: things.every(({ owner }) => owner !== undefined),
      things: things.map(({ kind, what, owner, fix }) => ({
        kind,
        what,
        owner: owner ?? null,
        fix: owner === undefined ? fix : null,
      })),
    };
  },
  text: ({ ok, things }) => {
    const lines = things.map(({ kind, what, owner, fix }) =>
      visibleLine(
        owner === null ? `NO OWNER  ${kind}  ${what}  fix: ${fix}` : `ok        ${kind}  ${what}  owner: ${owner}`,
      ),
    );
    const faults = things.filter(({ owner }) => owner === null).length;
    return [
      ...lines,
      ok ? "Everything has an owner." : `${faults} without an owner: a fault in pyro; please report it.`,
    ].join("\n");
  },
});
