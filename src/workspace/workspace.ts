// Owns one workspace in the daemon: its record, its lock, its machine, its running commands. Never decides what to do.
import { writeJsonAtomic } from "../base/atomic-file.js";
import type { PyroError } from "../base/error.js";
import { RoomMeter } from "../base/free-room.js";
import { ReadWriteLock } from "../base/read-write-lock.js";
import type { InstalledEnvironment } from "../environment/environment.js";
import type { LiveMachine } from "../machine/machine-host.js";
import { appendJournal, type NewJournalLine } from "./record/journal.js";
import { OutputRoom } from "./output-room.js";
import type { WorkspaceRecord } from "./record/record.js";
import type { RunningExec } from "./program/running-exec.js";
import type { WorkspaceFiles } from "./record/files.js";

export interface Leaving {
  readonly live: LiveMachine;
  /** Whether the guest has written everything to the disk; settles once the machine is gone. Never rejects. */
  readonly flushed: Promise<boolean>;
}

export class Workspace {
  readonly files: WorkspaceFiles;
  /** Shared for what may run side by side, exclusive for what replaces the machine or many files. */
  readonly lock = new ReadWriteLock();
  /** Commands of the machine that runs now. */
  readonly execs = new Map<number, RunningExec>();
  /** Sequences of commands that are in the journal but not yet in `execs`. */
  readonly starting = new Set<number>();
  /** What the outputs of its commands may take on the host. */
  readonly outputs: OutputRoom;
  /** The machine; only there while the state is `running`. */
  live: LiveMachine | undefined;
  /** The machine that is being stopped: it may still write to the disk. */
  leaving: Leaving | undefined;
  /** Aborted once it is being deleted; nothing begins in it any more. */
  readonly gone = new AbortController();
  /** Unix milliseconds of its last use; the record is renewed less often. */
  usedAt: number;
  /** True once the daemon leaves it, with its machine and commands running, to the next one. */
  handedOver = false;
  /** What creation is doing, for a caller that asks before it is done. */
  phase: string | undefined;
  #record: WorkspaceRecord;
  #saving: Promise<void> = Promise.resolve();
  #noting: Promise<void> = Promise.resolve();
  #calls = new AbortController();

  constructor(record: WorkspaceRecord, files: WorkspaceFiles) {
    this.#record = record;
    this.files = files;
    this.outputs = new OutputRoom({
      folder: files.output,
      meter: new RoomMeter(files.folder),
      isRunning: (sequence) => this.execs.has(sequence) || this.starting.has(sequence),
    });
    this.usedAt = Date.parse(record.last_active_at);
  }

  get id(): string {
    return this.#record.id;
  }

  get record(): WorkspaceRecord {
    return this.#record;
  }

  /** Aborted, with an error for their callers, when the calls that work inside have to end. */
  get calls(): AbortSignal {
    return this.#calls.signal;
  }

  /** Ends the calls that work inside now, not those that begin later. */
  endCalls(reason: PyroError): void {
    const ended = this.#calls;
    this.#calls = new AbortController();
    ended.abort(reason);
  }

  /** Changes the record in memory and on disk; several saves at once are written in order. */
  save(change: Partial<WorkspaceRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    this.#saving = this.#saving.catch(() => undefined).then(() => writeJsonAtomic(this.files.record, this.#record));
    return this.#saving;
  }

  /** Appends to the journal, with the time; several notes at once are written in order. */
  note(line: NewJournalLine): Promise<void> {
    const dated = { ...line, at: new Date().toISOString() };
    this.#noting = this.#noting
      .then(
        () => false,
        () => true,
      )
      .then((torn) => appendJournal(this.files.journal, dated, torn));
    this.#noting.catch(() => undefined);
    return this.#noting;
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
