// Owns one file's part of a git patch, from both contents. Never reads them.
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { isText } from "../../base/text.js";
import { encodeBase85 } from "../git/base85.js";
import { type ObjectFormat, blobId } from "../git/blob-id.js";
import type { BytePath } from "../byte-path.js";
import { quoteName } from "../git/quoted-name.js";
import { textHunks } from "./text-hunks.js";

const compress = promisify(deflate);
const sniffedBytes = 8000;

export interface FileVersion {
  readonly path: BytePath;
  /** As git writes it: 100644, 100755 or 120000. */
  readonly mode: string;
  /** The target of a link. */
  readonly content: Buffer;
}

/** At least one side is there; both have one kind, and one content where the paths differ. */
export interface FilePair {
  readonly old: FileVersion | undefined;
  readonly now: FileVersion | undefined;
}

/** As git sees it, and whatever is not UTF-8, since a patch is text. */
export function isBinary(content: Buffer): boolean {
  return content.subarray(0, sniffedBytes).includes(0) || !isText(content);
}

export interface PatchOptions {
  /** Of the repository that the patch is for; SHA-1 when absent. */
  readonly format?: ObjectFormat;
  /** All lines stand in it, not only those near a change. */
  readonly whole?: boolean;
}

/** Headers and hunks, as `git apply` takes them. */
export async function filePatch({ old, now }: FilePair, options: PatchOptions = {}): Promise<string> {
  const { format = "sha1", whole = false } = options;
  const version = now ?? old;
  if (version === undefined) return "";
  const oldName = quoteHeaderName(`a/${(old ?? version).path}`);
  const newName = quoteHeaderName(`b/${version.path}`);
  const lines = [`diff --git ${oldName} ${newName}`];
  if (old === undefined) lines.push(`new file mode ${version.mode}`);
  else if (now === undefined) lines.push(`deleted file mode ${version.mode}`);
  else lines.push(...changeHeaders(old, now));
  const oldContent = old?.content ?? Buffer.alloc(0);
  const newContent = now?.content ?? Buffer.alloc(0);
  const appearsOrGoes = old === undefined || now === undefined;
  if (oldContent.equals(newContent) && !appearsOrGoes) return `${lines.join("\n")}\n`;
  const binary = isBinary(oldContent) || isBinary(newContent);
  const full = format === "sha1" ? 40 : 64;
  const digits = binary ? full : 10;
  const ids = [old, now].map((side) =>
    (side === undefined ? "0".repeat(full) : blobId(side.content, format)).slice(0, digits),
  );
  lines.push(`index ${ids.join("..")}${appearsOrGoes || old.mode !== now.mode ? "" : ` ${version.mode}`}`);
  if (binary) return `${lines.join("\n")}\n${await binaryPatch(newContent)}`;
  const hunks = textHunks(oldContent, newContent, whole ? Number.POSITIVE_INFINITY : undefined);
  if (hunks === "") return `${lines.join("\n")}\n`;
  lines.push(`--- ${old === undefined ? "/dev/null" : endName(oldName)}`);
  lines.push(`+++ ${now === undefined ? "/dev/null" : endName(newName)}`);
  return `${lines.join("\n")}\n${hunks}`;
}

function changeHeaders(old: FileVersion, now: FileVersion): string[] {
  const modes = old.mode === now.mode ? [] : [`old mode ${old.mode}`, `new mode ${now.mode}`];
  if (old.path === now.path) return modes;
  return [...modes, "similarity index 100%", `rename from ${quoteName(old.path)}`, `rename to ${quoteName(now.path)}`];
}

/** git before 2.43 finds no end of a name in which a slash follows a space, unless it is quoted. */
function quoteHeaderName(name: string): string {
  const quoted = quoteName(name);
  return quoted.startsWith('"') || !name.includes(" /") ? quoted : `"${quoted}"`;
}

/** A tab keeps what follows a name with spaces from being read as part of it. */
function endName(name: string): string {
  return name.includes(" ") && !name.startsWith('"') ? `${name}\t` : name;
}

async function binaryPatch(content: Buffer): Promise<string> {
  return `GIT binary patch\nliteral ${content.length}\n${encodeBase85(await compress(content))}\n`;
}
