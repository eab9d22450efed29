// Owns the operation that says whether this host can run machines, and what to do where it cannot. Never examines anything.
import * as z from "zod";
import { findingCodes, severities, type FindingCode } from "../doctor/finding.js";
import { startStates } from "../machine/saved/readiness.js";
import { defaultEnvironment, environmentName, memMib, vcpuCount } from "./fields.js";
import { findingText } from "./finding-text.js";
import { operation } from "./operation.js";

const finding = z.object({
  code: z.enum(findingCodes as [FindingCode, ...FindingCode[]]).describe("Has a section in docs/troubleshooting.md."),
  title: z.string(),
  severity: z.enum(severities).describe("error: `pyro run` would not work; warning: something else would not."),
  text: z.string(),
  fix: z.string().nullable().describe("What a person can do about it."),
});

const output = z.object({
  findings: z.array(finding),
  ok: z.boolean().describe("`pyro run` would work."),
  fixed: z.array(z.string()).describe("What --fix did."),
  report: z.string().optional().describe("The file that was written, where one was asked for."),
  start: z.enum(startStates).nullable().describe("How fast the environment would start; null when none was named."),
});

/** As for every failure to find a machine to run on. */
const unavailable = 69;

export const doctorOperation = operation({
  name: "doctor",
  title: "Examine this host",
  summary: "Prove that this host can run virtual machines, and say what to do where it cannot.",
  effect: "change",
  cli: { path: ["doctor"], paint: "findings", exitCode: (result) => (result["ok"] === true ? 0 : unavailable) },
  input: z.strictObject({
    environment: environmentName
      .optional()
      .meta({ title: "ENV", description: "Also say how fast this environment would start: warm, cold or stale." }),
    fix: z.boolean().default(false).describe("Measure everything again, and repair what can be repaired safely."),
    report: z.string().min(1).max(4096).optional().meta({
      title: "FILE",
      description: "Also write this new file, for you alone, to attach to a report of a fault.",
    }),
  }),
  output,
  hostPaths: { report: "write" },
  inCaller: async (parts, request, task) => {
    await using report = request.report === undefined ? undefined : await parts.openReport(request.report);
    const examination = await parts.doctor.examine(
      {
        environment: request.environment ?? defaultEnvironment,
        wantsStart: request.environment !== undefined,
        shape: { vcpuCount: vcpuCount.parse(undefined), memMib: memMib.parse(undefined) },
        fix: request.fix,
      },
      task,
    );
    await report?.write(examination, task.signal);
    const written = request.report === undefined ? {} : { report: request.report };
    return { ...examination, findings: [...examination.findings], fixed: [...examination.fixed], ...written };
  },
  text: (result) =>
    [
      ...result.fixed.map((each) => `fixed: ${each}`),
      ...result.findings.map(findingText),
      "",
      sentence(result),
      ...(result.report === undefined ? [] : [reportSentence(result.report)]),
    ].join("\n"),
});

function reportSentence(path: string): string {
  return `Wrote ${path}: versions, findings, settings and the last of the log, passwords, tokens and your home masked. Read it before you show it.`;
}

/** Errors that bring others with them, in the order in which they should be looked at. */
const rootCauses: readonly FindingCode[] = ["platform", "folders", "disk", "settings", "programs", "runtime", "engine"];

function sentence({ ok, findings }: z.output<typeof output>): string {
  if (ok) return "pyro run would work.";
  const errors = findings.filter(({ severity }) => severity === "error");
  const roots = rootCauses.flatMap((code) => errors.filter((each) => each.code === code));
  const [first] = [...roots, ...errors];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return `pyro run would not work: ${first?.title ?? ""}: ${first?.text.split("\n")[0] ?? ""}${more}`;
}
