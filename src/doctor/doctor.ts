// Owns a whole examination: all checks at once, the repairs, the verdict. Never says how it is printed.
import type { Task } from "../base/progress.js";
import { asPyroError } from "../base/error.js";
import { catalogEntry } from "../environment/catalog.js";
import type { MachineShape } from "../machine/machine-files.js";
import type { StartState } from "../machine/saved/readiness.js";
import { runCheck, type Check, type Checked } from "./check.js";
import { compatCheck } from "./compat.js";
import { daemonCheck, subuidCheck } from "./daemon.js";
import { engineCheck, hugePagesCheck, kvmCheck, tcgCheck } from "./engine.js";
import { environmentsCheck, startCheck, templatesCheck } from "./environments.js";
import { findingCodes, type Finding } from "./finding.js";
import { foldersCheck, settingsCheck } from "./folders.js";
import { gitCheck } from "./git.js";
import { namespacesCheck } from "./namespaces.js";
import { platformCheck } from "./platform.js";
import { programsCheck } from "./programs.js";
import { qemuCheck } from "./qemu.js";
import { diskCheck, memoryCheck } from "./room.js";
import { runtimeCheck } from "./runtime.js";
import type { Subject } from "./subject.js";

export interface ExaminationRequest {
  /** Whose run is in question. */
  readonly environment: string;
  /** Say how fast it would start. */
  readonly wantsStart: boolean;
  readonly shape: MachineShape;
  /** Measure again, and do what is safe about what is found. */
  readonly fix: boolean;
}

export interface Examination {
  readonly findings: readonly Finding[];
  /** `pyro run` would work. */
  readonly ok: boolean;
  /** What was done about findings; each is a sentence. */
  readonly fixed: readonly string[];
  /** Null when nobody asked. */
  readonly start: StartState | null;
}

export interface Doctor {
  /** Throws `not_found` for an environment that does not exist; everything else is a finding. */
  examine(request: ExaminationRequest, task: Task): Promise<Examination>;
}

/** Others need the folders that this one makes. */
const firstCheck = foldersCheck;

const checks: readonly Check[] = [
  platformCheck,
  engineCheck,
  kvmCheck,
  hugePagesCheck,
  tcgCheck,
  compatCheck,
  programsCheck,
  runtimeCheck,
  environmentsCheck,
  startCheck,
  templatesCheck,
  subuidCheck,
  diskCheck,
  memoryCheck,
  settingsCheck,
  daemonCheck,
  qemuCheck,
  namespacesCheck,
  gitCheck,
];

export type OpenSubject = (request: ExaminationRequest, task: Task) => Promise<Subject>;

export function openDoctor(openSubject: OpenSubject): Doctor {
  return {
    examine: async (request, task) => {
      catalogEntry(request.environment);
      const first = await examineOnce(await openSubject(request, task), task);
      const repairs = first.flatMap(({ finding, repair }) => (repair === undefined ? [] : [{ finding, repair }]));
      if (!request.fix || repairs.length === 0) return conclude(first, []);
      const fixed: string[] = [];
      for (const { finding, repair } of repairs) {
        task.signal.throwIfAborted();
        task.progress({ phase: "fix", message: `Fixing: ${finding.title}` });
        fixed.push(await repair().catch((error: unknown) => `${finding.title}: ${asPyroError(error).message}`));
      }
      // What was measured a moment ago is known now.
      const again = await openSubject({ ...request, fix: false }, task);
      return conclude(await examineOnce(again, task), fixed);
    },
  };
}

async function examineOnce(subject: Subject, task: Task): Promise<readonly Checked[]> {
  const first = await runCheck(firstCheck, subject, task);
  const unusable = first?.finding.severity === "error";
  const possible = checks.filter(({ inFolders }) => !unusable || inFolders !== true);
  const rest = await Promise.all(possible.map((check) => runCheck(check, subject, task)));
  return [first, ...rest].filter((checked) => checked !== undefined);
}

function conclude(checked: readonly Checked[], fixed: readonly string[]): Examination {
  const order = (code: Finding["code"]) => findingCodes.indexOf(code);
  const findings = checked.map(({ finding }) => finding).sort((left, right) => order(left.code) - order(right.code));
  return {
    findings,
    ok: findings.every(({ severity }) => severity !== "error"),
    fixed,
    start: checked.find(({ start }) => start !== undefined)?.start ?? null,
  };
}
