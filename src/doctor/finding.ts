// Owns what a finding is and which there are. Never examines anything.
import type { StartState } from "../machine/saved/readiness.js";

import type { Said } from "../base/say.js";
import type { Severity } from "../base/severity.js";

export { severities, type Severity } from "../base/severity.js";

/** Every code with its title, in the order in which they are shown. docs/troubleshooting.md has a heading for each. */
export const findingTitles = {
  platform: "Platform",
  engine: "Engine",
  qemu: "QEMU",
  kvm: "KVM",
  huge_pages: "KVM start-up",
  tcg: "Software emulation",
  compat: "Sandbox",
  programs: "Host programs",
  git: "Git",
  runtime: "Guest kernel",
  environments: "Environments",
  start: "Start",
  templates: "Templates",
  subuid: "Subordinate ids",
  namespaces: "User namespaces",
  disk: "Disk",
  memory: "Memory",
  folders: "Folders",
  settings: "Settings",
  daemon: "Daemon",
} as const;

export type FindingCode = keyof typeof findingTitles;
export const findingCodes = Object.keys(findingTitles) as readonly FindingCode[];

export interface Finding {
  readonly code: FindingCode;
  readonly title: string;
  /** `error`: `pyro run` would not work. `warning`: something else would not, or not as it could. */
  readonly severity: Severity;
  readonly text: string;
  /** What a person can do about it. */
  readonly fix: string | null;
}

/** What a check found. */
export interface Diagnosis {
  readonly severity: Severity;
  readonly text: string;
  readonly fix?: string | Said;
  /** Does what is safe about it; resolves with a sentence that says what was done. */
  readonly repair?: () => Promise<string>;
  readonly start?: StartState;
}
