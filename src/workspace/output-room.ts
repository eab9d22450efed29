// Owns how much the outputs of one workspace's commands take on the host: the oldest go first. Never removes what a command still writes.
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RoomMeter } from "../base/free-room.js";

/** Bytes of outputs that one workspace may have. */
export const maxOutputBytes = 1024 ** 3;
/** Bytes that are made free at once, so that not every chunk looks for more. */
const stepBytes = 64 * 1024 ** 2;

export interface OutputRoomOptions {
  /** Of the outputs, `<sequence>.out` and `.err`; may not exist yet. */
  readonly folder: string;
  readonly meter: RoomMeter;
  /** Whether this command may still write. */
  readonly isRunning: (sequence: number) => boolean;
  readonly limitBytes?: number;
}

/** Marks outputs that were there and are gone. */
export function removedMark(folder: string, sequence: number): string {
  return join(folder, `${sequence}.removed`);
}

export function isOutputRemoved(folder: string, sequence: number): boolean {
  return existsSync(removedMark(folder, sequence));
}

export class OutputRoom {
  readonly #options: OutputRoomOptions;
  readonly #limit: number;
  #used: number | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: OutputRoomOptions) {
    this.#options = options;
    this.#limit = options.limitBytes ?? maxOutputBytes;
  }

  /** How many of these bytes may be kept; they count as written. */
  take(bytes: number): Promise<number> {
    const taken = this.#turn.then(() => this.#take(bytes));
    this.#turn = taken.catch(() => undefined);
    return taken;
  }

  /** The folder was emptied. */
  forget(): void {
    this.#used = undefined;
  }

  async #take(bytes: number): Promise<number> {
    this.#used ??= sum(await this.#outputs());
    if (this.#used + bytes > this.#limit) await this.#makeRoom(bytes);
    const granted = await this.#options.meter.take(Math.min(bytes, Math.max(0, this.#limit - this.#used)));
    this.#used += granted;
    return granted;
  }

  async #makeRoom(bytes: number): Promise<void> {
    const outputs = await this.#outputs();
    this.#used = sum(outputs);
    const goal = this.#limit - Math.max(bytes, Math.min(stepBytes, this.#limit / 4));
    for (const { sequence, sizeBytes } of outputs) {
      if (this.#used <= goal) return;
      if (sizeBytes === 0 || this.#options.isRunning(sequence)) continue;
      await this.#remove(sequence);
      this.#used -= sizeBytes;
    }
  }

  /** The mark first: an output that is gone must never look like one that was empty. */
  async #remove(sequence: number): Promise<void> {
    const { folder } = this.#options;
    await writeFile(removedMark(folder, sequence), "", { mode: 0o600 });
    for (const ending of ["out", "err"]) await rm(join(folder, `${sequence}.${ending}`), { force: true });
  }

  /** By command, oldest first. */
  async #outputs(): Promise<readonly Output[]> {
    const { folder } = this.#options;
    const sizes = new Map<number, number>();
    for (const name of await readdir(folder).catch(() => [])) {
      const sequence = Number(/^(\d+)\.(?:out|err)$/u.exec(name)?.[1] ?? Number.NaN);
      if (Number.isNaN(sequence)) continue;
      const size = await stat(join(folder, name)).then(
        (found) => found.size,
        () => 0,
      );
      sizes.set(sequence, (sizes.get(sequence) ?? 0) + size);
    }
    return [...sizes].map(([sequence, sizeBytes]) => ({ sequence, sizeBytes })).sort((a, b) => a.sequence - b.sequence);
  }
}

interface Output {
  readonly sequence: number;
  readonly sizeBytes: number;
}

function sum(outputs: readonly Output[]): number {
  return outputs.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
