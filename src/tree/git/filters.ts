// Owns what becomes of a repository's filters where their programs may be missing: git goes on without them. Never runs one.
import type { Setting } from "./settings.js";

/**
 * What a filter that knows nothing to do says: git asks it for no file. In packets, whose first four digits are their
 * length; by gitattributes(5), "Long Running Filter Process".
 */
const idleProcess = String.raw`printf '0016git-filter-server\n000eversion=2\n00000000'; exec cat >/dev/null`;

/**
 * The setting as it is for where its program may be missing. `required` goes: it makes `git add`, `git status` and
 * `git checkout` fail there.
 */
export function guardFilter(setting: Setting): readonly Setting[] {
  const { name, value = "" } = setting;
  if (name === "required") return [];
  if (value.trim() === "") return [setting];
  const program = programOf(value);
  // Without its handshake git ends, whether or not the filter is required.
  if (program === undefined) return name === "process" ? [] : [setting];
  const instead = name === "process" ? idleProcess : "exec cat";
  return [{ ...setting, value: `command -v ${program} >/dev/null 2>&1 || { ${instead}; }\n${value}` }];
}

/** The first word of a command as a shell reads it; undefined where more than that decides what runs. */
function programOf(command: string): string | undefined {
  return /^\s*("[^"$`\\]+"|'[^']+'|[\w@%+:,./-]+)(?=\s|$)/u.exec(command)?.[1];
}
