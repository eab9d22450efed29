// Owns turning a repository's configuration into one that holds no credential and fits another place. Never runs what it names.
import { formatSettings, keyOfSetting, readSettings, type Setting } from "./settings.js";
import { guardFilter } from "./filters.js";
import { displayName, type ByteString } from "../tar/entry.js";

export interface ConfigChange {
  /** The new value of core.hooksPath, given that of core.worktree; null leaves it out. */
  readonly hooksPath: (value: ByteString, workTree: ByteString | undefined) => Promise<ByteString | null>;
  /** The new value of core.worktree; null leaves it out. */
  readonly workTree: (value: ByteString) => ByteString | null;
  /** Whether the repository has files around it from now on. */
  readonly checkout: boolean;
}

/** Names of settings that hold a credential or point to one, in any section. */
const secretName = /extraheader|token|passw|smtppass|secret|cookie|api-?key|oauth|sslkey/u;

/** Settings that need something that only the host has: a running monitor, a signing key, linked worktrees. */
const hostOnly = new Set([
  // Worktrees do not come along, and older versions of git refuse what has it.
  "extensions.relativeworktrees",
  "core.fsmonitor",
  "core.fsmonitorhookversion",
  "commit.gpgsign",
  "tag.gpgsign",
  "push.gpgsign",
]);

export interface CleanedConfig {
  readonly content: Buffer;
  /** What a person should know of it. */
  readonly notes: readonly string[];
}

/** The content of a configuration file, cleaned; comments are left out, for they hold old tokens. */
export async function cleanConfig(content: Buffer, change: ConfigChange, signal: AbortSignal): Promise<CleanedConfig> {
  const settings = await readSettings(content, signal);
  const workTree = settings.findLast((setting) => keyOfSetting(setting) === "core.worktree")?.value;
  const notes = new Set<string>();
  const filters = new Set<string>();
  const cleaned: Setting[] = [];
  for (const setting of settings) {
    const { section, subsection, name, value = "" } = setting;
    if (keyOfSetting(setting) === "core.hookspath") {
      const place = await change.hooksPath(value, workTree);
      if (place !== null) cleaned.push({ ...setting, value: place });
      else
        notes.add(`core.hooksPath ${shown(value)} leads out of it and is left out: no hooks of that folder run inside`);
    } else if (section === "filter" && subsection !== undefined && filterKeys.has(name)) {
      filters.add(subsection);
      cleaned.push(...guardFilter(setting));
    } else cleaned.push(...cleanSetting(setting, change));
  }
  if (filters.size > 0) {
    const names = [...filters].slice(0, maxNamed).map(shown).join(", ");
    const more = filters.size > maxNamed ? ` and ${filters.size - maxNamed} more` : "";
    notes.add(
      `of its filters ${names}${more} none is required inside: where the program is missing, files go through as they are`,
    );
  }
  return { content: formatSettings(cleaned), notes: [...notes].slice(0, maxNotes) };
}

const filterKeys = new Set(["clean", "smudge", "process", "required"]);
const maxNamed = 5;
const maxNotes = 20;

function shown(text: ByteString): string {
  return displayName(text.slice(0, 200));
}

/** The text without the user and password of any URL in it; the user of an SSH URL stays. */
export function cleanUrls(text: ByteString): ByteString {
  return text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)([^/\s"'<>]*)@/giu, (_, scheme: string, user: string) => {
      const name = /ssh/iu.test(scheme) ? (user.split(":")[0] ?? "") : "";
      return name === "" ? scheme : `${scheme}${name}@`;
    })
    .replace(/([?&][^=&#\s]*(?:token|key|secret|passw|auth)[^=&#\s]*=)[^&#\s"']*/giu, "$1");
}

function cleanSetting(setting: Setting, change: Pick<ConfigChange, "checkout" | "workTree">): readonly Setting[] {
  const { section, name } = setting;
  if (section === "credential" || secretName.test(name) || hostOnly.has(keyOfSetting(setting))) return [];
  if (section === "core" && name === "bare" && change.checkout) return [{ ...setting, value: "false" }];
  if (section === "core" && name === "worktree") {
    const value = change.workTree(setting.value ?? "");
    return value === null ? [] : [{ ...setting, value }];
  }
  return [
    {
      ...setting,
      subsection: setting.subsection === undefined ? undefined : cleanUrls(setting.subsection),
      value: setting.value === undefined ? undefined : cleanUrls(setting.value),
    },
  ];
}
