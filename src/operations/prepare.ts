// Owns the operation that makes an environment warm and proves it. Never takes a step of it.
import * as z from "zod";
import { call, say } from "../base/say.js";
import { startStates } from "../machine/saved/readiness.js";
import { preparationSteps } from "../machine/saved/preparation-manifest.js";
import { defaultEnvironment, environmentName, memMib, vcpuCount } from "./fields.js";
import { operation } from "./operation.js";

const output = z.object({
  environment: z.string(),
  was: z.enum(startStates).describe("How it was before; it is warm now."),
  reason: z.string().describe("Why it was so."),
  changed: z.boolean().describe("False when it was warm and nothing had to be done."),
  prepared_at: z.string().describe("RFC 3339."),
  image_digest: z.string(),
  vcpu_count: z.int().describe("Of the machine that is saved."),
  mem_mib: z.int(),
  steps: z
    .array(z.object({ step: z.enum(preparationSteps), duration_ms: z.int() }))
    .describe("What was done when it was prepared, and how long it took."),
  proved: z.array(z.enum(preparationSteps)).describe("What was done once with a workspace, and worked."),
  pooled_machines: z.int().describe("Machines that wait, paused, for the next call."),
});

export const prepareOperation = operation({
  name: "prepare",
  title: "Prepare an environment",
  summary: "Install an environment, save a machine of it to start others from, and prove that a workspace works.",
  effect: "change",
  cli: { path: ["prepare"], positionals: ["environment"] },
  input: z.strictObject({
    environment: environmentName.default(defaultEnvironment),
    force: z.boolean().default(false).describe("Verify the image, save the machine and prove it again, warm or not."),
  }),
  output,
  handler: async (parts, request, call) => {
    const shape = { vcpuCount: vcpuCount.parse(undefined), memMib: memMib.parse(undefined) };
    const { manifest, pooledMachines, ...how } = await parts.preparation.prepare({ ...request, ...shape }, call);
    return { ...manifest, ...how, pooled_machines: pooledMachines };
  },
  text: (result) => say`${(result.changed ? done(result) : [unchanged(result)]).join("\n")}\n\n${next}`,
});

type Result = z.output<typeof output>;

const next = say`Next: ${call("host_connect", { host: "claude-code" })} (or codex, opencode)`;

function unchanged({ environment, reason }: Result): string {
  return `${environment} is warm: ${reason}.`;
}

function done({ environment, was, reason, steps, pooled_machines: pooled }: Result): readonly string[] {
  const total = steps.reduce((sum, { duration_ms: ms }) => sum + ms, 0);
  const waiting = pooled === 0 ? "no machine waits ahead of need" : `${pooled} waiting ahead of need`;
  return [
    ...steps.map(({ step, duration_ms: ms }) => `${meanings[step].padEnd(44)}${seconds(ms)}`),
    "",
    `${environment} is warm, ${waiting}; it took ${seconds(total).trim()}. Before it was ${was}: ${reason}.`,
  ];
}

const meanings: Readonly<Record<Result["steps"][number]["step"], string>> = {
  install: "install    the environment",
  template: "template   a booted machine, saved",
  pool: "pool       a machine restored ahead of need",
  create: "create     a workspace",
  exec: "exec       a command in it",
  reset: "reset      back to the start",
  delete: "delete     nothing left",
  refill: "refill     the next machine",
};

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`.padStart(8);
}
