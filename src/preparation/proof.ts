// Owns proving once that a workspace can be created, used, reset and deleted, and that nothing stays of it. Never times it.
import { PyroError } from "../base/error.js";
import type { Task } from "../base/progress.js";
import { call, say } from "../base/say.js";
import type { Workspaces } from "../workspace/workspaces.js";

/** Marks the workspace of a proof; callers can give no label of this kind. */
const proofLabel = "pyro/prepare";

/** Seconds for each command, and until a workspace that everybody has forgotten is stopped. */
const commandSeconds = 20;
const forgottenSeconds = 300;

export type ProofStep = "create" | "exec" | "reset" | "delete";

export interface Proof {
  readonly workspaces: Workspaces;
  readonly environment: string;
  readonly vcpuCount: number;
  readonly memMib: number;
  /** Runs one step of it. */
  step<Result>(name: ProofStep, message: string, work: () => Promise<Result>): Promise<Result>;
}

/** Whatever happens, its workspace goes; a daemon that is killed leaves it to the next one. */
export async function proveWorkspace({ workspaces, environment, step, ...shape }: Proof, task: Task): Promise<void> {
  const request = {
    environment,
    labels: { [proofLabel]: environment },
    vcpuCount: shape.vcpuCount,
    memMib: shape.memMib,
    ttlSeconds: forgottenSeconds,
    waitMs: commandSeconds * 3000,
    seed: {},
  };
  const { id } = await step("create", "Proving it: creating a workspace", () =>
    workspaces.create(request, silent(task)),
  );
  try {
    await step("exec", "Proving it: running a command", () => run({ workspaces, id }, "echo proved > proof", task));
    await step("reset", "Proving it: resetting", async () => {
      await workspaces.reset(id, ending(task));
      await run({ workspaces, id }, "test ! -e proof", task);
    });
  } catch (error) {
    await workspaces.delete(id, ending(task)).catch(() => undefined);
    throw error;
  }
  await step("delete", "Proving it: deleting the workspace", () => workspaces.delete(id, ending(task)));
}

/** Deletes what a proof left that nobody could finish; only when none is running. */
export async function removeForgottenProofs(workspaces: Workspaces): Promise<void> {
  const forgotten = workspaces.list().workspaces.filter(({ record }) => proofLabel in record.labels);
  for (const { id } of forgotten) await workspaces.delete(id, ending({ signal: new AbortController().signal }));
}

interface Place {
  readonly workspaces: Workspaces;
  readonly id: string;
}

async function run({ workspaces, id }: Place, command: string, task: Task): Promise<void> {
  const times = { timeoutMs: commandSeconds * 1000, waitMs: commandSeconds * 2000 };
  const request = { id, command, cwd: "/workspace", outputBytes: 2000, ...times };
  const { ended, stderr } = await workspaces.exec(request, { ...silent(task), needs: "beside" });
  const code = ended?.outcome.exitCode ?? null;
  if (code === 0) return;
  const how = code === null ? "did not end" : `ended with exit code ${code}`;
  throw new PyroError("unavailable", `In a fresh workspace \`${command}\` ${how}. ${stderr.text}`.trim(), {
    hint: say`${call("env_inspect")} verifies the environment; ${call("prepare", { force: true })} saves its machine anew.`,
  });
}

function ending({ signal }: Pick<Task, "signal">) {
  return { signal, progress: () => undefined, needs: "stopped" } as const;
}

/** Nobody talks to its commands. */
function silent({ signal }: Task) {
  return { signal, progress: () => undefined };
}
