// Owns the states of a workspace, and what each event makes of each of them: pure, every pair decided. Never acts.
import type { LiveMachine } from "../machine/machine-host.js";

export type State = Creating | Starting | Running | Stopping | Stopped | Replacing | Failed | Deleting | Left;

/** Its files come together, and then its first machine. */
export interface Creating {
  readonly at: "creating";
  /** What creation is doing, for a caller that asks before it is done. */
  readonly phase: string | null;
}

/** A machine is on its way: started, or found running by a new daemon. */
export interface Starting {
  readonly at: "starting";
  /** Null where an earlier daemon left it running. */
  readonly before: Stopped | null;
}

export interface Running {
  readonly at: "running";
  readonly machine: LiveMachine;
}

/** Its machine is told to end, and may still write to the disk. */
export interface Stopping {
  readonly at: "stopping";
  readonly machine: LiveMachine;
  /** Whether the guest has written everything to the disk; settles once the machine is gone. Never rejects. */
  readonly flushed: Promise<boolean>;
}

export interface Stopped {
  readonly at: "stopped";
  /** Unix milliseconds; null in a record that does not say. */
  readonly since: number | null;
  /** Null when it was stopped in order. */
  readonly why: string | null;
}

/** What was there is thrown away; a daemon that finds it so goes on with it. */
export interface Replacing {
  readonly at: "replacing";
  readonly by: "reset";
  /** The one that has to end first. */
  readonly machine: LiveMachine | null;
}

/** A reset went wrong half way: its files are neither those of before nor of the start. */
export interface Failed {
  readonly at: "failed";
  readonly why: string;
}

/** Nothing begins in it any more. */
export interface Deleting {
  readonly at: "deleting";
  /** Why it is there no more: somebody did not want it, or its creation failed. */
  readonly because: "deleted" | "unmade";
  readonly machine: LiveMachine | null;
}

/** To the next daemon, with what runs in it. */
export interface Left {
  readonly at: "left";
}

export type Event =
  | { readonly type: "progress"; readonly phase: string }
  /** A machine is to be made for it. */
  | { readonly type: "start" }
  | { readonly type: "started"; readonly machine: LiveMachine; readonly now: number }
  | { readonly type: "not_started"; readonly now: number; readonly why: string | null }
  /** Its machine is told to end. */
  | { readonly type: "stop"; readonly flushed: Promise<boolean> }
  /** The machine is gone, by itself or as it was told. */
  | { readonly type: "ended"; readonly machine: LiveMachine; readonly now: number; readonly why: string | null }
  | { readonly type: "reset" }
  | { readonly type: "emptied"; readonly now: number }
  | { readonly type: "spoiled"; readonly why: string }
  | { readonly type: "delete"; readonly because: "deleted" | "unmade" }
  | { readonly type: "hand_over" };

/**
 * `moot`: it is so already, or the event is about what is no longer there. The others are for whoever wanted something:
 * `busy`: another machine or reset is under way; `unmade`, `failed`, `deleted`, `left`: the state does not allow it.
 */
export interface Refusal {
  readonly refused: "moot" | "busy" | "unmade" | "failed" | "deleted" | "left";
}

const moot: Refusal = { refused: "moot" };
const busy: Refusal = { refused: "busy" };

export function next(state: State, event: Event): State | Refusal {
  switch (state.at) {
    case "creating":
      return fromCreating(event);
    case "starting":
      return fromStarting(state, event);
    case "running":
      return fromRunning(state, event);
    case "stopping":
      return fromStopping(state, event);
    case "stopped":
      return fromStopped(state, event);
    case "replacing":
      return fromReplacing(state, event);
    case "failed":
      return fromFailed(event);
    case "deleting":
      return fromDeleting(state, event);
    case "left":
      return fromLeft(event);
  }
}

function fromCreating(event: Event): State | Refusal {
  switch (event.type) {
    case "progress":
      return { at: "creating", phase: event.phase };
    case "started":
      return { at: "running", machine: event.machine };
    case "delete":
      return { at: "deleting", because: event.because, machine: null };
    case "start":
    case "reset":
      return { refused: "unmade" };
    // A creation ends with the daemon: nobody learns of it, and the next one removes it.
    case "hand_over":
    case "not_started":
    case "stop":
    case "ended":
    case "emptied":
    case "spoiled":
      return moot;
  }
}

function fromStarting({ before }: Starting, event: Event): State | Refusal {
  switch (event.type) {
    case "started":
      return { at: "running", machine: event.machine };
    case "not_started":
      return before ?? { at: "stopped", since: event.now, why: event.why };
    case "delete":
      return { at: "deleting", because: event.because, machine: null };
    case "hand_over":
      return { at: "left" };
    case "start":
    case "reset":
      return busy;
    case "progress":
    case "stop":
    case "ended":
    case "emptied":
    case "spoiled":
      return moot;
  }
}

function fromRunning({ machine }: Running, event: Event): State | Refusal {
  switch (event.type) {
    case "stop":
      return { at: "stopping", machine, flushed: event.flushed };
    case "ended":
      return event.machine === machine ? { at: "stopped", since: event.now, why: event.why } : moot;
    case "reset":
      return { at: "replacing", by: "reset", machine };
    case "delete":
      return { at: "deleting", because: event.because, machine };
    case "hand_over":
      return { at: "left" };
    // Two machines on one disk would spoil it.
    case "started":
      return busy;
    case "progress":
    case "start":
    case "not_started":
    case "emptied":
    case "spoiled":
      return moot;
  }
}

function fromStopping({ machine }: Stopping, event: Event): State | Refusal {
  switch (event.type) {
    case "ended":
      return event.machine === machine ? { at: "stopped", since: event.now, why: event.why } : moot;
    case "reset":
      return { at: "replacing", by: "reset", machine };
    case "delete":
      return { at: "deleting", because: event.because, machine };
    case "start":
    case "started":
      return busy;
    // What is being ended is left to nobody.
    case "hand_over":
    case "progress":
    case "not_started":
    case "stop":
    case "emptied":
    case "spoiled":
      return moot;
  }
}

function fromStopped(state: Stopped, event: Event): State | Refusal {
  switch (event.type) {
    case "start":
      return { at: "starting", before: state };
    case "reset":
      return { at: "replacing", by: "reset", machine: null };
    case "delete":
      return { at: "deleting", because: event.because, machine: null };
    case "hand_over":
      return { at: "left" };
    // Whoever starts a machine says so first.
    case "started":
      return busy;
    case "progress":
    case "not_started":
    case "stop":
    case "ended":
    case "emptied":
    case "spoiled":
      return moot;
  }
}

function fromReplacing({ machine }: Replacing, event: Event): State | Refusal {
  switch (event.type) {
    case "emptied":
      return { at: "stopped", since: event.now, why: null };
    case "spoiled":
      return { at: "failed", why: event.why };
    case "delete":
      return { at: "deleting", because: event.because, machine };
    case "start":
    case "started":
    case "reset":
      return busy;
    // The record says that it is under way: the next daemon goes on with it.
    case "hand_over":
    case "progress":
    case "not_started":
    case "stop":
    case "ended":
      return moot;
  }
}

function fromFailed(event: Event): State | Refusal {
  switch (event.type) {
    case "reset":
      return { at: "replacing", by: "reset", machine: null };
    case "delete":
      return { at: "deleting", because: event.because, machine: null };
    case "hand_over":
      return { at: "left" };
    case "start":
    case "started":
      return { refused: "failed" };
    case "progress":
    case "not_started":
    case "stop":
    case "ended":
    case "emptied":
    case "spoiled":
      return moot;
  }
}

function fromDeleting({ because }: Deleting, event: Event): State | Refusal {
  switch (event.type) {
    case "start":
    case "started":
    case "reset":
      return { refused: because };
    case "progress":
    case "not_started":
    case "stop":
    case "ended":
    case "emptied":
    case "spoiled":
    case "delete":
    case "hand_over":
      return moot;
  }
}

function fromLeft(event: Event): State | Refusal {
  switch (event.type) {
    case "start":
    case "started":
    case "reset":
    case "delete":
      return { refused: "left" };
    case "progress":
    case "not_started":
    case "stop":
    case "ended":
    case "emptied":
    case "spoiled":
    case "hand_over":
      return moot;
  }
}
