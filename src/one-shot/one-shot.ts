// Owns running one command in a machine that lives for nothing else. Never keeps a machine.
import type { Readable } from "node:stream";
import { PyroError } from "../base/error.js";
import { commandStarted, type Task } from "../base/progress.js";
import { field, say, sayAll } from "../base/say.js";
import { stageDone } from "../base/stage.js";
import type { Engine } from "../engine/engine.js";
import type { EnvironmentStore, InstalledEnvironment } from "../environment/environment.js";
import { guestEnvironment, loginShell } from "../guest/environment.js";
import { explainBrokenStart, explainBrokenWork } from "../machine/machine-end.js";
import type { MachineHost, LiveMachine } from "../machine/machine-host.js";
import { viewOfOutcome, type ExitedView } from "../process/outcome.js";
import { viewOfOutput, type OutputView } from "../process/output.js";
import { excerptsOf } from "../process/excerpt.js";
import type { OutputLog } from "../process/output-log.js";
import { openOutputMemory } from "../process/output-memory.js";
import { runGuestProgram } from "../process/program.js";
import type { SandboxHost } from "./sandbox-host.js";

export interface OneShotRequest {
  readonly environment: string;
  /** A string is run by the guest's login shell, a list directly. */
  readonly command: string | readonly string[];
  readonly vcpuCount: number;
  readonly memMib: number;
  readonly timeoutMs: number;
  readonly ttlMs: number;
  /** Bytes of both streams in the result; more comes as head and tail. */
  readonly outputBytes: number;
  /** Where no machine can start, a sandbox on the host will do. */
  readonly allowHostCompat: boolean;
}

export interface OneShotCaller extends Task {
  readonly stdin: Readable | undefined;
  readonly streaming: boolean;
  output(stream: "stdout" | "stderr", data: Uint8Array): Promise<void>;
  onSignal(listener: (name: string) => void): void;
}

export interface OneShotResult extends ExitedView, OutputView {
  environment: string;
  engine: string;
  accelerator: string;
}

export interface OneShot {
  run(request: OneShotRequest, caller: OneShotCaller): Promise<OneShotResult>;
}

export interface OneShotParts {
  readonly environments: EnvironmentStore;
  readonly machines: MachineHost;
  readonly sandboxes: SandboxHost;
  readonly engine: Pick<Engine, "unusable" | "sandboxMayStandIn">;
}

export function oneShot(parts: OneShotParts): OneShot {
  const { environments, engine } = parts;
  return {
    run: async (request, caller) => {
      // Before anything is installed for it.
      if (engine.unusable !== undefined) await checkStandIn(parts, request, engine.unusable);
      const environment =
        (await environments.find(request.environment)) ??
        (await environments.pull(request.environment, caller)).environment;
      const deadlineMs = Date.now() + request.ttlMs;
      await using live = await start(parts, { request, environment, deadlineMs }, caller).catch((error: unknown) => {
        throw explainBrokenStart({ deadlineMs, error });
      });
      const captured = { stdout: openOutputMemory(), stderr: openOutputMemory() };
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
            return captured[stream].append(data);
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
        ...viewOfOutcome(exit),
        ...(await shown(captured, request.outputBytes)),
      };
    },
  };
}

/** For a host that can start no machine: throws unless a sandbox is allowed, would do and works. */
async function checkStandIn(
  { engine, sandboxes }: OneShotParts,
  { allowHostCompat }: OneShotRequest,
  why: PyroError,
): Promise<void> {
  if (engine.sandboxMayStandIn !== true) throw why;
  if (allowHostCompat) return sandboxes.check();
  throw new PyroError("unavailable", why.message, {
    hint: sayAll([
      why.said,
      say`Or pass ${field("vm_run", "allow_host_compat", true)}: a sandbox on this host, with a weaker boundary.`,
    ]),
    cause: why,
  });
}

interface Start {
  readonly request: OneShotRequest;
  readonly environment: InstalledEnvironment;
  readonly deadlineMs: number;
}

function start(
  { engine, machines, sandboxes }: OneShotParts,
  { request, environment, deadlineMs }: Start,
  caller: Task,
): Promise<Pick<LiveMachine, "id" | "machine" | "session"> & AsyncDisposable> {
  if (engine.unusable !== undefined) return sandboxes.create({ environment, deadlineMs }, caller);
  const { vcpuCount, memMib } = request;
  return machines.create({ environment, vcpuCount, memMib, deadlineMs, keep: false }, caller);
}

interface Captured {
  readonly stdout: OutputLog;
  readonly stderr: OutputLog;
}

async function shown(captured: Captured, maxBytes: number): Promise<OutputView> {
  const { stdout, stderr } = captured;
  const excerpts = await excerptsOf(captured, { maxBytes, isOpen: false });
  return viewOfOutput({ ...excerpts, droppedBytes: stdout.droppedBytes + stderr.droppedBytes });
}
