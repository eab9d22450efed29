// Owns one workspace in the daemon: its one state, its record, its lock, its running commands. Never decides what to do.
import { isDeepStrictEqual } from "node:util";
import { writeJsonAtomic } from "../base/atomic-file.js";
import { crashPoint } from "../base/crash-point.js";
import type { PyroError } from "../base/error.js";
import { RoomMeter } from "../base/free-room.js";
import { ReadWriteLock } from "../base/read-write-lock.js";
import { report } from "../base/report.js";
import type { InstalledEnvironment } from "../environment/environment.js";
import type { LiveMachine } from "../machine/machine-host.js";
import { appendJournal, type NewJournalLine } from "./record/journal.js";
import { OutputRoom } from "./output-room.js";
import type { WorkspaceRecord } from "./record/record.js";
import { recorded, stateIn, type StateField } from "./record/recorded-state.js";
import { refusalError } from "./refusals.js";
import type { BackgroundExec, RunningExec } from "./program/running-exec.js";
import type { WorkspaceFiles } from "./record/files.js";
import { next, type Event, type Refusal, type State } from "./state.js";

/** Milliseconds after which a stopped workspace is deleted. */
const keepStoppedMs = 7 * 24 * 60 * 60_000;

export class Workspace {
  readonly files: WorkspaceFiles;
  /** Shared for what may run side by side, exclusive for what replaces the machine or many files. */
  readonly lock = new ReadWriteLock();
  /** Commands whose end is not in the journal yet, for a moment also those of a machine that is gone. */
  readonly execs = new Map<number, RunningExec>();
  /** Commands that have ended and left something running in the background. */
  readonly background = new Map<number, BackgroundExec>();
  /** Sequences of commands that are in the journal but not yet in `execs`. */
  readonly starting = new Set<number>();
  /** What the outputs of its commands may take on the host. */
  readonly outputs: OutputRoom;
  /** Unix milliseconds of its last use; the record is renewed less often. */
  usedAt: number;
  #state: State;
  #record: WorkspaceRecord;
  #saving: Promise<void> = Promise.resolve();
  #noting: Promise<void> = Promise.resolve();
  #calls = new AbortController();
  readonly #gone = new AbortController();

  constructor(record: WorkspaceRecord, files: WorkspaceFiles) {
    this.#record = record;
    this.#state = stateIn(record);
    this.files = files;
    this.outputs = new OutputRoom({
      folder: files.output,
      meter: new RoomMeter(files.folder),
      isRunning: (sequence) => this.mayPrint(sequence),
    });
    this.usedAt = Date.parse(record.last_active_at);
  }

  get id(): string {
    return this.#record.id;
  }

  get record(): WorkspaceRecord {
    return this.#record;
  }

  get state(): State {
    return this.#state;
  }

  /** Whether more of this command's output may come. */
  mayPrint(sequence: number): boolean {
    return this.execs.has(sequence) || this.starting.has(sequence) || this.background.has(sequence);
  }

  /** Unix milliseconds at which it will be deleted; undefined while it is not stopped. */
  get deletesAt(): number | undefined {
    const state = this.#state;
    return state.at === "stopped" && state.since !== null ? state.since + keepStoppedMs : undefined;
  }

  /** The machine that work can be done in. */
  get live(): LiveMachine | undefined {
    return this.#state.at === "running" ? this.#state.machine : undefined;
  }

  /**
   * The only way to another state. The state is another one at once, or the refusal says why it stays; resolves when the record
   * says so too.
   */
  async change(event: Event): Promise<Refusal | undefined> {
    const state = next(this.#state, event);
    if ("refused" in state) return state;
    if (state.at !== this.#state.at) report("workspace state", { workspace: this.id, state: state.at });
    this.#state = state;
    if (state.at === "deleting") this.#gone.abort(refusalError(this, { refused: state.because }));
    const told = recorded(state, event);
    if (told !== null && !isDeepStrictEqual({ ...this.#record, ...told }, this.#record)) await this.#write(told);
    return undefined;
  }

  /** As `change`, for who cannot go on without it. */
  async enforce(event: Event): Promise<void> {
    const refusal = await this.change(event);
    if (refusal !== undefined) throw refusalError(this, refusal);
  }

  /** Aborted once it is being deleted; nothing begins in it any more. */
  get gone(): AbortSignal {
    return this.#gone.signal;
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

  /** Changes what the record says besides the state, in memory and on disk; several saves at once are written in order. */
  save(change: Partial<Omit<WorkspaceRecord, StateField>>): Promise<void> {
    return this.#write(change);
  }

  #write(change: Partial<WorkspaceRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    const write = async () => {
      const record = this.#record;
      await writeJsonAtomic(this.files.record, record);
      crashPoint("workspace recorded", record.state);
    };
    this.#saving = this.#saving.catch(() => undefined).then(write);
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
