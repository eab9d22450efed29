// Owns turning a repository's configuration into one that holds no credential and fits another place. Never runs what it names.
import { git } from "./git-command.js";
import type { ByteString } from "./tar-entry.js";

export interface ConfigChange {
  /** The new value of core.worktree; null leaves it out. */
  readonly workTree: (value: ByteString) => ByteString | null;
  /** Whether the repository has files around it from now on. */
  readonly checkout: boolean;
}

interface Setting {
  readonly section: ByteString;
  readonly subsection: ByteString | undefined;
  readonly name: ByteString;
  /** Undefined for a name that stands alone, which means true. */
  readonly value: ByteString | undefined;
}

/** Names of settings that hold a credential or point to one, in any section. */
const secretName = /extraheader|token|passw|smtppass|secret|cookie|api-?key|oauth|sslkey/u;

/** Settings that need something that only the host has: a running monitor, a signing key. */
const hostOnly = new Set([
  "core.fsmonitor",
  "core.fsmonitorhookversion",
  "commit.gpgsign",
  "tag.gpgsign",
  "push.gpgsign",
]);

/** The content of the configuration file at `path`, cleaned; comments are left out, for they hold old tokens. */
export async function cleanConfig(path: string, change: ConfigChange, signal: AbortSignal): Promise<Buffer> {
  const listed = await git({ args: ["config", "--file", path, "--no-includes", "--null", "--list"], signal });
  const kept = listed
    .split("\0")
    .slice(0, -1)
    .map(parseSetting)
    .flatMap((setting) => cleanSetting(setting, change));
  return Buffer.from(kept.map(formatSetting).join(""), "latin1");
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

function parseSetting(record: ByteString): Setting {
  const end = record.indexOf("\n");
  const key = end < 0 ? record : record.slice(0, end);
  const [first, last] = [key.indexOf("."), key.lastIndexOf(".")];
  return {
    section: key.slice(0, first),
    subsection: first === last ? undefined : key.slice(first + 1, last),
    name: key.slice(last + 1),
    value: end < 0 ? undefined : record.slice(end + 1),
  };
}

function cleanSetting(setting: Setting, change: ConfigChange): readonly Setting[] {
  const { section, name } = setting;
  if (section === "credential" || secretName.test(name) || hostOnly.has(`${section}.${name}`)) return [];
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

function formatSetting({ section, subsection, name, value }: Setting): ByteString {
  const title = subsection === undefined ? section : `${section} "${subsection.replace(/["\\]/gu, "\\$&")}"`;
  if (value === undefined) return `[${title}]\n\t${name}\n`;
  const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\b": "\\b" };
  const quoted = value.replace(/["\\\n\t\b]/gu, (character) => escapes[character] ?? `\\${character}`);
  return `[${title}]\n\t${name} = "${quoted}"\n`;
}
