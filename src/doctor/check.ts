// Owns what a check is, and running it so that whatever becomes of it is a finding. Never knows what is checked.
import { asPyroError } from "../base/error.js";
import type { Task } from "../base/progress.js";
import { asSaid } from "../base/say.js";
import type { StartState } from "../machine/saved/readiness.js";
import { findingTitles, type Diagnosis, type Finding, type FindingCode, type Severity } from "./finding.js";
import type { Subject } from "./subject.js";

export interface Check {
  readonly code: FindingCode;
  /** Milliseconds after which it counts as stuck; 15,000 when absent. */
  readonly timeoutMs?: number;
  /** `pyro run` would not work while this cannot be checked. */
  readonly essential: boolean;
  /** There is nothing to check where pyro's folders cannot be used. */
  readonly inFolders?: boolean;
  /** Undefined when it does not apply here. */
  run(subject: Subject, task: Task): Promise<Diagnosis | undefined>;
}

export interface Checked {
  readonly finding: Finding;
  readonly start: StartState | undefined;
  readonly repair: (() => Promise<string>) | undefined;
}

const defaultTimeoutMs = 15_000;

/** Only rejects when the caller aborts. */
export async function runCheck(check: Check, subject: Subject, task: Task): Promise<Checked | undefined> {
  const diagnosis = await diagnose(check, subject, task);
  if (diagnosis === undefined) return undefined;
  const { severity, text, repair, start } = diagnosis;
  const title = findingTitles[check.code];
  const fix = diagnosis.fix === undefined ? null : await subject.spell(asSaid(diagnosis.fix));
  return { finding: { code: check.code, title, severity, text, fix }, start, repair };
}

/** What went wrong, after `start`, with its hint; an unforeseen error has none that would help. */
export function failure(severity: Severity, error: unknown, start = ""): Diagnosis {
  const { message, said, code } = asPyroError(error);
  return { severity, text: `${start}${message}`, ...(code === "internal" ? {} : { fix: said }) };
}

async function diagnose(check: Check, subject: Subject, task: Task): Promise<Diagnosis | undefined> {
  const timeoutMs = check.timeoutMs ?? defaultTimeoutMs;
  const severity = check.essential ? "error" : "warning";
  const over = new AbortController();
  const signal = AbortSignal.any([task.signal, over.signal]);
  let timer: NodeJS.Timeout | undefined;
  // A check that hangs in the kernel does not hear its signal.
  const stuck = new Promise<Diagnosis>((resolve) => {
    timer = setTimeout(() => {
      resolve({ severity, text: `This could not be checked within ${timeoutMs / 1000} s.` });
      over.abort();
    }, timeoutMs);
  });
  try {
    const work = check.run(subject, { ...task, signal });
    work.catch(() => undefined);
    return await Promise.race([work, stuck]);
  } catch (error) {
    task.signal.throwIfAborted();
    return failure(severity, error, "This could not be checked: ");
  } finally {
    clearTimeout(timer);
  }
}
