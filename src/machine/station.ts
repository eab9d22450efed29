// Owns what belongs to one engine, its saved machines and its pool, and going over to another where the first fails. Never starts a machine.
import { PyroError, asPyroError } from "../base/error.js";
import { notice, type Task } from "../base/progress.js";
import { report, reportFault } from "../base/report.js";
import { EndedAtStart } from "../engine/ended-at-start.js";
import type { Engine } from "../engine/engine.js";
import type { Pool } from "./pool/pool.js";
import type { TemplateStore } from "./saved/template.js";

export interface Station {
  readonly engine: Engine;
  readonly templates: TemplateStore;
  readonly pool: Pool;
}

export interface Stations {
  /** Of the engine that machines run on now. */
  current(): Station;
  /** Works on the current one, and once more on another where the engine has failed and another is to be had. */
  use<Result>(task: Task, work: (station: Station) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

export interface StationsOptions {
  readonly engine: Engine;
  /** Judges the host again; what machines would run on now, the same as before for one. */
  readonly judgeAgain: (signal: AbortSignal) => Promise<Engine>;
  readonly open: (engine: Engine) => Station;
}

/** Milliseconds for judging the host again, the boot that proves KVM included. */
const judgeTimeoutMs = 18_000;

export function openStations({ engine, judgeAgain, open }: StationsOptions): Stations {
  let current = open(engine);
  let judging: Promise<Station> | undefined;
  const left: Promise<void>[] = [];

  const judge = async (failed: Station) => {
    const next = await judgeAgain(AbortSignal.timeout(judgeTimeoutMs));
    if (next.unusable !== undefined) throw next.unusable;
    if (next.name === failed.engine.name && next.accelerator === failed.engine.accelerator) return failed;
    report("engine changed", { from: runsOn(failed.engine), to: runsOn(next), why: next.fasterFails });
    current = open(next);
    left.push(failed.pool.close());
    return current;
  };
  /** Whoever comes meanwhile shares the measurement; it goes on when they leave. */
  const after = async (failed: Station, signal: AbortSignal) => {
    if (current !== failed) return current;
    judging ??= judge(failed).finally(() => {
      judging = undefined;
    });
    const station = await judging;
    signal.throwIfAborted();
    return station;
  };
  return {
    current: () => current,
    use: async (task, work) => {
      const station = current;
      try {
        return await work(station);
      } catch (error) {
        task.signal.throwIfAborted();
        if (!speaksAgainst(station.engine, error)) throw error;
        reportFault("engine in doubt", error, { accelerator: station.engine.accelerator });
        task.progress({ phase: "engine", message: "A machine did not start with KVM; measuring this host again" });
        const next = await after(station, task.signal).catch((reason: unknown) => {
          task.signal.throwIfAborted();
          throw withCause(asPyroError(reason), error);
        });
        if (next === station) throw error;
        task.progress(notice(goingOn(next.engine, error)));
        task.progress({ phase: "boot", message: "Starting a machine under software emulation" });
        return work(next);
      }
    },
    close: async () => {
      await judging?.catch(() => undefined);
      await Promise.all([...left, current.pool.close()]);
    },
  };
}

const runsOn = ({ name, accelerator }: Engine) => `${name} with ${accelerator}`;

/** Only KVM can be lost while a daemon lives: to another hypervisor, with its module, with the user's rights. */
function speaksAgainst({ accelerator }: Engine, error: unknown): boolean {
  if (accelerator !== "kvm") return false;
  return error instanceof EndedAtStart || (error instanceof PyroError && error.code === "deadline_exceeded");
}

function goingOn({ accelerator, fasterFails }: Engine, error: unknown): string {
  const name = accelerator === "tcg" ? "software emulation, which is slower" : accelerator;
  return `KVM no longer works (${fasterFails ?? asPyroError(error).message}); going on with ${name}`;
}

function withCause({ code, message, said }: PyroError, cause: unknown): PyroError {
  return new PyroError(code, message, { hint: said, cause });
}
