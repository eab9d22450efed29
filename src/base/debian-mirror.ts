// Owns reading which Debian mirror the user has named. Never takes one from a project, and never asks a mirror.
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { PyroError } from "./error.js";
import { shellWord } from "./shell-word.js";
import { call, say } from "./say.js";

export interface DebianMirror {
  /** URL below which `dists/` lies. */
  readonly archive: string;
  /** The same for the security fixes; undefined where the mirror has none. */
  readonly security: string | undefined;
}

/** Where a user names a mirror: the variable goes before the setting. */
export interface NamedMirror {
  /** Undefined when none is named; rejects when what is named is no mirror. */
  find(): Promise<DebianMirror | undefined>;
  /** What a person types to name one. */
  line(): Promise<string>;
}

export const debianMirrorVariable = "PYRO_DEBIAN_MIRROR";
export const debianMirrorForm =
  "one or two URLs (http, https or file) with a space between, such as URL_OF_A_MIRROR/debian";

/**
 * `ARCHIVE [SECURITY]`. Of an archive that ends with `/debian`, as most do, the security fixes lie beside it in
 * `debian-security`. Undefined when the text is something else.
 */
export function parseDebianMirror(text: string): DebianMirror | undefined {
  const urls = text.trim().split(/\s+/u).map(mirrorUrl);
  const [archive, security] = urls;
  if (archive === undefined || urls.length > 2 || urls.includes(undefined)) return undefined;
  return { archive, security: security ?? (archive.endsWith("/debian") ? `${archive}-security` : undefined) };
}

export interface MirrorPlaces {
  /** The value of PYRO_DEBIAN_MIRROR. */
  readonly variable: string | undefined;
  /** The value in the settings file, which is read again for each answer. */
  readonly setting: () => Promise<string | undefined>;
  readonly settingsPath: string;
}

export function namedMirror({ variable, setting, settingsPath }: MirrorPlaces): NamedMirror {
  return {
    find: async () => {
      const text = variable === undefined || variable === "" ? await setting() : variable;
      if (text === undefined) return undefined;
      const mirror = parseDebianMirror(text);
      if (mirror !== undefined) return mirror;
      // The value is not repeated: a URL can hold a password.
      throw new PyroError("invalid_argument", `${debianMirrorVariable} names no Debian mirror.`, {
        hint: say`Set it to ${debianMirrorForm}, or unset it; then stop the daemon by ${call("daemon_stop")}.`,
      });
    },
    line: async () => {
      const value = `"debian_mirror": "https://MIRROR/debian"`;
      const exists = await access(settingsPath).then(
        () => true,
        () => false,
      );
      if (exists) return `add ${value} to ${settingsPath}, with a MIRROR of https://www.debian.org/mirror/list`;
      const write = `mkdir -p ${shellWord(dirname(settingsPath))} && echo '{${value}}' > ${shellWord(settingsPath)}`;
      return `${write} # with a MIRROR of https://www.debian.org/mirror/list`;
    },
  };
}

/** Without the slash at its end; undefined when apt should not be given it. */
function mirrorUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isWeb = (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "";
  const isFolder = url.protocol === "file:" && url.host === "" && url.pathname.length > 1;
  if (!(isWeb || isFolder) || url.search !== "" || url.hash !== "") return undefined;
  return url.href.replace(/\/+$/u, "");
}
