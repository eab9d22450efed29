// Owns what the checks look at, each part of it found out once. Never judges it.
import type { GitWish } from "../base/git-wish.js";
import type { Paths } from "../base/paths.js";
import type { Said } from "../base/say.js";
import type { Settings } from "../base/settings.js";
import type { HostVerdict, ProvenBoot, QemuVerdict } from "../engine/qemu/verdict.js";
import type { Engine } from "../engine/engine.js";
import type { Wanted } from "../engine/wanted.js";
import type { EnvironmentStore } from "../environment/environment.js";
import type { Installation } from "../base/installation.js";
import type { MachineShape } from "../machine/machine-files.js";

export interface Subject {
  readonly paths: Paths;
  /** Whose run is in question. */
  readonly environment: string;
  /** Of the machine that it would run in. */
  readonly shape: MachineShape;
  /** The caller asks how fast it would start. */
  readonly wantsStart: boolean;
  readonly environments: EnvironmentStore;
  /** PATH and PYRO_GIT of who asks. */
  readonly hostGit: GitWish;
  readonly daemon: DaemonProbe;
  /** Makes the folders; rejects when one is of no use. */
  prepare(): Promise<unknown>;
  settings(): Promise<Settings>;
  installation(): Promise<Installation>;
  /** Measures what is not known. */
  verdict(): Promise<HostVerdict>;
  /** Boots under emulation, unless that has been proved. */
  proveTcg(qemu: QemuVerdict): Promise<ProvenBoot>;
  /** What the user wants; rejects when there is no such thing. */
  wanted(): Promise<Wanted>;
  /** What machines would run on; rejects where nothing can. */
  engine(): Promise<Engine>;
  /** In the words of who asks. */
  spell(said: Said): Promise<string>;
}

/** The daemon of this user as somebody above knows it. */
export interface DaemonProbe {
  /** Starts one where none runs, which proves that one can; rejects when it cannot. */
  look(signal: AbortSignal): Promise<DaemonState>;
  /** Removes the record of a daemon that is gone; false when there was none. */
  removeStaleRecord(): Promise<boolean>;
}

export interface DaemonState {
  readonly pid: number;
  readonly version: string;
  /** It was started for this; null when it ran before. */
  readonly startedInMs: number | null;
  /** False: another build of pyro, which makes way for the next command. */
  readonly ours: boolean;
  /** What its machines run on, and how that computes; undefined when it does not say. */
  readonly engine: string | undefined;
  readonly accelerator: string | undefined;
}
