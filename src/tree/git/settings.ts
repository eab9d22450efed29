// Owns reading and writing settings in git's format, each file by itself. Never follows an include, never judges a setting.
import { git } from "./command.js";
import type { ByteString } from "../tar/entry.js";

export interface Setting {
  readonly section: ByteString;
  readonly subsection: ByteString | undefined;
  readonly name: ByteString;
  /** Undefined for a name that stands alone, which means true. */
  readonly value: ByteString | undefined;
}

/** Bytes of a configuration file. */
export const maxConfigBytes = 4 * 1024 * 1024;

/** The settings of a file that has this content, in its order. */
export async function readSettings(content: Buffer, signal: AbortSignal): Promise<readonly Setting[]> {
  const args = ["config", "--file", "-", "--no-includes", "--null", "--list"];
  return parseSettings(await git({ args, input: content, signal }));
}

/** What `git config --null` lists. */
export function parseSettings(listed: ByteString): readonly Setting[] {
  return listed.split("\0").slice(0, -1).map(parseSetting);
}

export function formatSettings(settings: readonly Setting[]): Buffer {
  return Buffer.from(settings.map(formatSetting).join(""), "latin1");
}

/** Such as `core.bare`, in lower case but for the subsection. */
export function keyOfSetting({ section, subsection, name }: Setting): ByteString {
  return subsection === undefined ? `${section}.${name}` : `${section}.${subsection}.${name}`;
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

function formatSetting({ section, subsection, name, value }: Setting): ByteString {
  const title = subsection === undefined ? section : `${section} "${subsection.replace(/["\\]/gu, "\\$&")}"`;
  if (value === undefined) return `[${title}]\n\t${name}\n`;
  const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\b": "\\b" };
  const quoted = value.replace(/["\\\n\t\b]/gu, (character) => escapes[character] ?? `\\${character}`);
  return `[${title}]\n\t${name} = "${quoted}"\n`;
}
