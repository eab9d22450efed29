// Owns running one command in a machine that lives for nothing else. Never keeps a machine.
import type { Readable } from "node:stream";
import type { PyroError } from "../base/error.js";
import { commandStarted, type Task } from "../base/progress.js";
import { stageDone } from "../base/stage.js";
import type { EnvironmentStore } from "../environment/environment.js";
import { guestEnvironment, loginShell } from "./guest-files.js";
import { runGuestProgram } from "./guest-process.js";
import { explainBrokenStart, explainBrokenWork } from "./machine-end.js";
import type { MachineHost } from "./machine-host.js";
import { OutputCapture } from "./output-capture.js";

export interface OneShotRequest {
  readonly environment: string;
  /** A string is run by the guest's login shell, a list directly. */
  readonly command: string | readonly string[];
  readonly vcpuCount: number;
  readonly memMib: number;
  readonly timeoutMs: number;
  readonly ttlMs: number;
}

export interface OneShotCaller extends Task {
  readonly stdin: Readable | undefined;
  readonly streaming: boolean;
  output(stream: "stdout" | "stderr", data: Uint8Array): Promise<void>;
  onSignal(listener: (name: string) => void): void;
}

export interface OneShotResult {
  environment: string;
  engine: string;
  accelerator: string;
  exit_code: number;
  timed_out: boolean;
  oom_killed: boolean;
  duration_ms: number;
  stdout: string;
  stderr: string;
  stdout_truncated: boolean;
  stderr_truncated: boolean;
  stdout_base64?: string;
  stderr_base64?: string;
  dropped_bytes: number;
}

export interface OneShot {
  run(request: OneShotRequest, caller: OneShotCaller): Promise<OneShotResult>;
}

export interface OneShotServices {
  readonly environments: EnvironmentStore;
  readonly machines: MachineHost;
}

export function oneShot({ environments, machines }: OneShotServices): OneShot {
  return {
    run: async (request, caller) => {
      const environment =
        (await environments.find(request.environment)) ??
        (await environments.pull(request.environment, caller)).environment;
      const deadlineMs = Date.now() + request.ttlMs;
      const { vcpuCount, memMib } = request;
      await using live = await machines
        .create({ environment, vcpuCount, memMib, deadlineMs, keep: false }, caller)
        .catch((error: unknown) => {
          throw explainBrokenStart({ deadlineMs, error });
        });
      const captured = { stdout: new OutputCapture(), stderr: new OutputCapture() };
      const exit = await runGuestProgram(
        live.session,
        {
          argv: typeof request.command === "string" ? loginShell(request.command) : request.command,
          env: guestEnvironment(environment),
          cwd: "/workspace",
          timeoutMs: request.timeoutMs,
          stdin: caller.stdin,
          output: (stream, data) => {
            if (caller.streaming) return caller.output(stream, data);
            captured[stream].add(data);
            return Promise.resolve();
          },
          onStarted: (signalByName) => {
            caller.onSignal(signalByName);
            caller.progress(commandStarted);
            stageDone(live.id, "program started");
          },
        },
        AbortSignal.any([caller.signal, live.machine.stalled()]),
      ).catch(async (error: unknown) => {
        throw await explainBrokenWork({ machine: live.machine, deadlineMs, error });
      });
      stageDone(live.id, "program exited");
      return {
        environment: environment.name,
        engine: live.machine.engine,
        accelerator: live.machine.accelerator,
        exit_code: exit.exitCode,
        timed_out: exit.timedOut,
        oom_killed: exit.oomKilled,
        duration_ms: exit.durationMs,
        ...outputFields(captured.stdout, captured.stderr),
      };
    },
  };
}

/** For a host that can start no machine: fails before anything is installed for it. */
export function refuseRuns(why: PyroError): OneShot {
  return { run: () => Promise.reject(why) };
}

function outputFields(stdout: OutputCapture, stderr: OutputCapture) {
  const [out, err] = [stdout.take(), stderr.take()];
  return {
    stdout: out.text,
    stderr: err.text,
    stdout_truncated: out.droppedBytes > 0,
    stderr_truncated: err.droppedBytes > 0,
    ...(out.base64 === undefined ? {} : { stdout_base64: out.base64 }),
    ...(err.base64 === undefined ? {} : { stderr_base64: err.base64 }),
    dropped_bytes: out.droppedBytes + err.droppedBytes,
  };
}
