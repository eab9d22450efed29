// Owns one workspace in the daemon: its record, its lock, its machine, its running commands. Never decides what to do.
import { writeJsonAtomic } from "../base/atomic-file.js";
import { ReadWriteLock } from "../base/read-write-lock.js";
import type { InstalledEnvironment } from "../environment/environment.js";
import type { LiveMachine } from "../machine/machine-host.js";
import { appendJournal, type JournalLine } from "./journal.js";
import type { WorkspaceRecord } from "./record.js";
import type { RunningExec } from "./running-exec.js";
import type { WorkspaceFiles } from "./workspace-files.js";

type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;

export class Workspace {
  readonly files: WorkspaceFiles;
  /** Shared for what may run side by side, exclusive for what replaces the machine or many files. */
  readonly lock = new ReadWriteLock();
  /** Commands of the machine that runs now. */
  readonly execs = new Map<number, RunningExec>();
  /** Sequences of commands that are in the journal but not yet in `execs`. */
  readonly starting = new Set<number>();
  /** The machine; only there while the state is `running`. */
  live: LiveMachine | undefined;
  /** Unix milliseconds of its last use; the record is renewed less often. */
  usedAt: number;
  /** True once the daemon leaves it, with its machine and commands running, to the next one. */
  handedOver = false;
  /** What creation is doing, for a caller that asks before it is done. */
  phase: string | undefined;
  #record: WorkspaceRecord;
  #saving: Promise<void> = Promise.resolve();

  constructor(record: WorkspaceRecord, files: WorkspaceFiles) {
    this.#record = record;
    this.files = files;
    this.usedAt = Date.parse(record.last_active_at);
  }

  get id(): string {
    return this.#record.id;
  }

  get record(): WorkspaceRecord {
    return this.#record;
  }

  /** Changes the record in memory and on disk; several saves at once are written in order. */
  save(change: Partial<WorkspaceRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    this.#saving = this.#saving.catch(() => undefined).then(() => writeJsonAtomic(this.files.record, this.#record));
    return this.#saving;
  }

  /** Appends to the journal, with the time. */
  note(line: DistributiveOmit<JournalLine, "at">): Promise<void> {
    return appendJournal(this.files.journal, { ...line, at: new Date().toISOString() });
  }

  /** The environment as this workspace keeps it. */
  get environment(): InstalledEnvironment {
    const kept = this.#record.environment;
    return {
      name: kept.name,
      imagePath: this.files.base,
      imageDigest: kept.image_digest,
      imageBytes: kept.image_bytes,
      env: kept.env,
      source: kept.source,
      installedAt: kept.installed_at,
    };
  }
}
