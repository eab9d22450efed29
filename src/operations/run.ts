// Owns the operation that runs one command in a machine of its own. Never keeps anything of it.
import * as z from "zod";
import { exitedView } from "../process/outcome.js";
import { outputView } from "../process/output.js";
import {
  defaultEnvironment,
  environmentName,
  maxOutputBytes,
  memMib,
  modelOutputBytes,
  terminalFlags,
  vcpuCount,
} from "./fields.js";
import { operation, type ToolTime } from "./operation.js";

const input = z.strictObject({
  environment: environmentName,
  command: z.union([z.string().min(1).max(131_072), z.array(z.string().max(131_072)).min(1).max(4096)]).meta({
    title: "COMMAND...",
    description: "Command; a string is run by the guest's login shell, a list directly.",
  }),
  vcpu_count: vcpuCount,
  mem_mib: memMib,
  timeout_seconds: z
    .number()
    .min(0.1)
    .max(86_400)
    .default(300)
    .describe("Kills the whole process tree after this long."),
  ttl_seconds: z
    .int()
    .min(1)
    .max(604_800)
    .default(600)
    .describe("Removes the machine after this long, whatever happens."),
  allow_host_compat: z
    .boolean()
    .default(false)
    .describe("Where no virtual machine can start, runs in a sandbox on the host, a weaker boundary: `host_compat`."),
  max_output_bytes: maxOutputBytes,
});

const mcpInput = ({ work }: ToolTime) =>
  z.strictObject({
    command: z.string().min(1).max(131_072).describe("Shell command, run by `bash -lc` in /workspace."),
    environment: input.shape.environment.default(defaultEnvironment),
    vcpu_count: input.shape.vcpu_count,
    mem_mib: input.shape.mem_mib,
    timeout_seconds: z
      .number()
      .min(0.1)
      .max(work)
      .default(30)
      .describe("Kills the whole process tree after this long."),
    allow_host_compat: input.shape.allow_host_compat,
  });

export const runOperation = operation({
  name: "vm_run",
  title: "Run a command in a fresh machine",
  summary: "Run one command in a fresh virtual machine, which is deleted afterwards.",
  effect: "create",
  sdk: "runInVm",
  cli: {
    path: ["run"],
    positionals: ["environment"],
    rest: "command",
    passThrough: true,
    omit: ["max_output_bytes"],
    alsoTyped: { ...terminalFlags, m: "mem-mib" },
  },
  mcp: (time) => ({
    profiles: ["vm-run", "workspace-core", "workspace-full"],
    loading: { foundBy: "run one command in a disposable virtual machine, without files" },
    input: mcpInput(time),
    fills: { max_output_bytes: modelOutputBytes },
    bounded: ["stdout", "stderr"],
    description:
      "Runs one shell command as root in a fresh, disposable Linux virtual machine and deletes the machine afterwards. " +
      "Nothing from the host is visible inside and nothing is kept. Returns exit_code, stdout and stderr; a failing " +
      "command, a timeout or an out-of-memory kill is a result, not an error. Use it for a single independent check.",
  }),
  input,
  output: z.object({
    environment: z.string(),
    engine: z.string(),
    accelerator: z.string(),
    ...exitedView.shape,
    ...outputView.shape,
  }),
  handler: (parts, request, call) =>
    parts.oneShot.run(
      {
        environment: request.environment,
        command: request.command,
        vcpuCount: request.vcpu_count,
        memMib: request.mem_mib,
        timeoutMs: Math.round(request.timeout_seconds * 1000),
        ttlMs: request.ttl_seconds * 1000,
        outputBytes: request.max_output_bytes,
        allowHostCompat: request.allow_host_compat,
      },
      call,
    ),
  ran: (result) => result,
});
