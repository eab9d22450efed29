// Owns the two interfaces behind which every way to run a machine hides. Never names one of them.
import type { Duplex } from "node:stream";
import type { PyroError } from "../base/error.js";
import type { ProcessIdentity } from "../base/process-identity.js";
import type { DiskChain } from "../disk/chain.js";

/** What differs from machine to machine and can be put under a paused one. */
export interface OwnDrives {
  /** A squashfs image, read-only. */
  readonly seedPath: string;
  /** ext4, writable. */
  readonly disk: DiskChain;
}

/** A saved machine: its memory and all else of its state, in files that only the engine which made them can read. */
export interface SavedFiles {
  readonly memoryPath: string;
  readonly statePath: string;
}

/** How a machine comes to life. */
export type Origin =
  /** `saveAs`: so that it can be saved, once, to these new files. */
  | { readonly from: "boot"; readonly saveAs?: SavedFiles }
  /** Starts paused, as it was saved. The files stay as they are, whatever it does. */
  | { readonly from: "saved"; readonly files: SavedFiles };

export interface MachineSpec extends OwnDrives {
  /** Also the name of its folders. */
  readonly id: string;
  /** Existing folder that belongs to this machine alone. */
  readonly folder: string;
  /** Existing folder for its unix sockets, short enough for them. */
  readonly socketFolder: string;
  /** The environment's squashfs image, read-only. */
  readonly basePath: string;
  readonly vcpuCount: number;
  readonly memMib: number;
  readonly origin: Origin;
  /** Its kernel prints all it has to say, from its first moment: for a boot of which nothing was heard. */
  readonly talkative?: boolean;
  /** Unix milliseconds, as the clock stands now, at which it is killed unless this is moved; setting the clock moves nothing. */
  readonly deadlineMs: number;
}

export interface MachineExit {
  /** Why it ended, for a person. */
  readonly reason: string;
}

/** It goes on by itself when the reason is gone. */
export type PausedReason = "host_disk_full";

/** A running machine. Its one channel leads to the agent inside. */
export interface Machine {
  readonly id: string;
  readonly engine: string;
  readonly accelerator: string;
  /** Process number of what must not outlive the machine. */
  readonly pid: number;
  /** Opens the byte stream; one at a time. */
  channel(signal: AbortSignal): Promise<Duplex>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Puts others under it. The guest must have none of them mounted. */
  attach(drives: Partial<OwnDrives>): Promise<void>;
  /** Pauses it for good and completes the files that its start named. */
  save(signal: AbortSignal): Promise<void>;
  /** The last 64 KiB at most of what the guest kernel printed. Hostile bytes. */
  consoleTail(): Promise<string>;
  /** Moves the deadline to this unix time in milliseconds. */
  extend(deadlineMs: number): Promise<void>;
  /** Lets it live on, until its deadline, when this process ends. */
  detach(): void;
  /** Why it is paused without having been asked to; undefined while it runs. */
  pausedReason(): PausedReason | undefined;
  /** Aborted, with an error for callers, as soon as it is paused that way; a new one after it goes on. */
  stalled(): AbortSignal;
  /** Settles once the process is gone; never rejects. */
  readonly exited: Promise<MachineExit>;
  /** Kills it and waits until it is gone. */
  kill(): Promise<void>;
}

/** What is known of a machine that outlived its daemon. */
export interface KeptMachine extends Pick<MachineSpec, "id" | "folder" | "socketFolder"> {
  readonly process: ProcessIdentity;
  readonly accelerator: string;
}

export interface Engine {
  readonly name: string;
  /** How it computes, as results name it. */
  readonly accelerator: string;
  /** Changes with everything that a saved machine depends on. */
  readonly fingerprint: string;
  /** Given: why every start fails here. */
  readonly unusable?: PyroError;
  /** Given with it: a sandbox on the host may stand in, for callers that allow one. */
  readonly sandboxMayStandIn?: boolean;
  /** Given: why the faster one that would have been taken is not; part of a sentence. */
  readonly fasterFails?: string;
  /** Starts a machine; returns as soon as its process runs (saved: is loaded), before the guest has booted. */
  start(spec: MachineSpec, signal: AbortSignal): Promise<Machine>;
}

/** Takes over a running machine that an earlier daemon had detached. Needs nothing of what would start one. */
export type Adopt = (kept: KeptMachine, signal: AbortSignal) => Promise<Machine>;
