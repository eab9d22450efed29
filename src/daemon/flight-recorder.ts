// Owns the last stages of each machine, in memory, for the log of one that gets into trouble. Never writes them itself.
import type { StageDone } from "../base/stage.js";

/** Of one machine. */
const maxStages = 256;
const maxControlLines = 64;
/** Those that were heard of last. */
const maxMachines = 64;

export interface Flight {
  /** Milliseconds before now, and the stage; oldest first. */
  readonly stages: readonly string[];
  /** The last lines between us and what runs the machine. */
  readonly control: readonly string[];
}

interface Kept {
  readonly stages: StageDone[];
  readonly control: StageDone[];
}

export class FlightRecorder {
  readonly #machines = new Map<string, Kept>();

  add(stage: StageDone): void {
    if (stage.topic !== "machine" && stage.topic !== "guest" && stage.topic !== "qmp") return;
    const kept = this.#machines.get(stage.id) ?? { stages: [], control: [] };
    // Last in order: the others go first.
    this.#machines.delete(stage.id);
    this.#machines.set(stage.id, kept);
    if (stage.topic === "qmp") push(kept.control, stage, maxControlLines);
    else push(kept.stages, stage, maxStages);
    const [oldest] = this.#machines.keys();
    if (this.#machines.size > maxMachines && oldest !== undefined) this.#machines.delete(oldest);
  }

  of(machine: unknown, now: number): Flight {
    const { stages, control } = this.#machines.get(String(machine)) ?? { stages: [], control: [] };
    const line = ({ at, stage }: StageDone) => `${Math.round(now - at)} ms ago: ${stage}`;
    return { stages: stages.map(line), control: control.map(line) };
  }
}

function push(ring: StageDone[], stage: StageDone, most: number): void {
  ring.push(stage);
  if (ring.length > most) ring.shift();
}
