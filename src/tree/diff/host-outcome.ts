// Owns what a diff says of git on the host: of which files that makes other bytes, and which filters it must not run. Never runs git.
import { displayPath } from "../byte-path.js";
import type { Change } from "./change.js";
import type { ChangePatch } from "./change-patch.js";
import type { Difference } from "./git-form.js";

export interface HostOutcome {
  /** Files of which `git apply` makes other bytes than the workspace has, and why; the first of them. */
  readonly differs: readonly { readonly path: string; readonly reason: string }[];
  /** Names of the filters that git must not send files of the patch through when it applies it. */
  readonly filters: readonly string[];
}

/** Files that are named. */
const maxNamed = 1000;
const maxFilters = 100;

const reasons: Readonly<Record<Difference, string>> = {
  crlf: "git there ends its lines in CRLF, as attributes or settings say",
  keyword: "git there expands its $Id$ anew",
  encoding: "git there has one way only to write its encoding",
  unknown_encoding: "its working-tree-encoding is not known here: git there may refuse it",
};

export function collectOutcome() {
  const differs: { path: string; reason: string }[] = [];
  const filters = new Set<string>();
  return {
    add({ path }: Change, part: Pick<ChangePatch, "difference" | "filters">): void {
      for (const filter of part.filters ?? []) if (filters.size < maxFilters) filters.add(filter);
      if (part.difference === undefined || differs.length >= maxNamed) return;
      differs.push({ path: displayPath(path), reason: reasons[part.difference] });
    },
    result: (): HostOutcome => ({ differs, filters: [...filters] }),
  };
}
