// Owns turning a repository's configuration into one that holds no credential and fits another place. Never runs what it names.
import { formatSettings, keyOfSetting, readSettings, type Setting } from "./settings.js";
import type { ByteString } from "../tar/entry.js";

export interface ConfigChange {
  /** The new value of core.worktree; null leaves it out. */
  readonly workTree: (value: ByteString) => ByteString | null;
  /** Whether the repository has files around it from now on. */
  readonly checkout: boolean;
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

/** The content of a configuration file, cleaned; comments are left out, for they hold old tokens. */
export async function cleanConfig(content: Buffer, change: ConfigChange, signal: AbortSignal): Promise<Buffer> {
  const settings = await readSettings(content, signal);
  return formatSettings(settings.flatMap((setting) => cleanSetting(setting, change)));
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

function cleanSetting(setting: Setting, change: ConfigChange): readonly Setting[] {
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
