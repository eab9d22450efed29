// Owns what git does to a file between the working tree and its own form: line ends, keyword, encoding. Never runs a filter.
import type { AttributeValue } from "./attributes.js";
import type { ObjectFormat } from "./blob-id.js";
import { type Encoding, encodingNamed } from "./encoding.js";
import { collapseIdent, expandIdent } from "./ident.js";

/** How lines end where git writes them, and whether it looks at the content first. */
type LineEnds = "as they are" | "lf" | "crlf" | "auto-lf" | "auto-crlf";

export interface Conversion {
  readonly lineEnds: LineEnds;
  readonly ident: boolean;
  readonly encoding: Encoding | undefined | "unknown";
  /** The name of a filter that a host may have. */
  readonly filter: string | undefined;
  readonly format: ObjectFormat;
}

/** Of a repository. */
export interface ConversionSettings {
  readonly autocrlf: "true" | "false" | "input";
  readonly eol: "lf" | "crlf";
  readonly format: ObjectFormat;
  /** Of the user, relative to the top. */
  readonly attributesFile?: string | undefined;
}

export const noSettings: ConversionSettings = { autocrlf: "false", eol: "lf", format: "sha1" };

/** For a path with these attributes. */
export function conversionOf(
  attributes: ReadonlyMap<string, AttributeValue>,
  settings: ConversionSettings,
): Conversion {
  const filter = attributes.get("filter");
  const encoding = attributes.get("working-tree-encoding");
  return {
    lineEnds: lineEndsOf(attributes, settings),
    ident: attributes.get("ident") === true,
    encoding: typeof encoding === "string" && encoding !== "" ? encodingNamed(encoding) : undefined,
    filter: typeof filter === "string" && filter !== "" ? filter : undefined,
    format: settings.format,
  };
}

export function changesNothing({ lineEnds, ident, encoding }: Conversion): boolean {
  return lineEnds === "as they are" && !ident && encoding === undefined;
}

/**
 * What `git apply` takes a file of the working tree for. `keepsCarriageReturns` where lines of the patch that were there
 * before end in CRLF.
 */
export function readByGit(content: Buffer, conversion: Conversion, keepsCarriageReturns: boolean): Buffer {
  const { encoding, ident } = conversion;
  const isEncoded = encoding !== undefined && encoding !== "unknown" && content.length > 0;
  const text = (isEncoded ? encoding.decode(content) : undefined) ?? content;
  const lines = keepsCarriageReturns || !losesCarriageReturns(text, conversion) ? text : withoutCarriageReturns(text);
  return ident ? collapseIdent(lines) : lines;
}

/** Whether `git apply` may read lines of it otherwise than they are. */
export function losesCarriageReturns(text: Buffer, { lineEnds }: Conversion): boolean {
  if (lineEnds === "as they are" || !text.includes("\r\n")) return false;
  return !lineEnds.startsWith("auto") || !looksBinary(text);
}

/** What `git apply` makes of it in the working tree. */
export function writtenByGit(content: Buffer, { lineEnds, ident, encoding, format }: Conversion): Buffer {
  const expanded = ident ? expandIdent(content, format) : content;
  const lines = getsCarriageReturns(expanded, lineEnds) ? withCarriageReturns(expanded) : expanded;
  const isEncoded = encoding !== undefined && encoding !== "unknown" && lines.length > 0;
  return (isEncoded ? encoding.encode(lines) : undefined) ?? lines;
}

function lineEndsOf(attributes: ReadonlyMap<string, AttributeValue>, settings: ConversionSettings): LineEnds {
  const own = textOf(attributes.get("text")) ?? textOf(attributes.get("crlf"));
  const eol = attributes.get("eol");
  const native = settings.autocrlf === "true" || (settings.autocrlf === "false" && settings.eol === "crlf");
  if (own === "none") return "as they are";
  if (eol === "lf" || eol === "crlf") return own === "auto" ? `auto-${eol}` : eol;
  if (own === "input") return "lf";
  if (own === "text") return native ? "crlf" : "lf";
  if (own === "auto") return native ? "auto-crlf" : "auto-lf";
  if (settings.autocrlf === "false") return "as they are";
  return settings.autocrlf === "true" ? "auto-crlf" : "auto-lf";
}

function textOf(value: AttributeValue): "text" | "none" | "auto" | "input" | undefined {
  if (value === true) return "text";
  if (value === false) return "none";
  return value === "auto" || value === "input" ? value : undefined;
}

function getsCarriageReturns(content: Buffer, lineEnds: LineEnds): boolean {
  if (lineEnds !== "crlf" && lineEnds !== "auto-crlf") return false;
  return lineEnds === "crlf" || !(content.includes("\r") || looksBinary(content));
}

export function withoutCarriageReturns(text: Buffer): Buffer {
  return Buffer.from(text.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
}

function withCarriageReturns(text: Buffer): Buffer {
  return Buffer.from(text.toString("latin1").replaceAll(/(?<!\r)\n/gu, "\r\n"), "latin1");
}

/** As git tells it where `text` is `auto`: a lone CR, a NUL, or much that is not printed. */
function looksBinary(content: Buffer): boolean {
  let printable = 0;
  let others = 0;
  for (const [at, byte] of content.entries()) {
    if (byte === 0 || (byte === 0x0d && content[at + 1] !== 0x0a)) return true;
    if (byte === 0x0d || byte === 0x0a) continue;
    const isPrinted = byte >= 0x20 ? byte !== 0x7f : byte === 8 || byte === 9 || byte === 0x0c || byte === 0x1b;
    if (isPrinted) printable += 1;
    else others += 1;
  }
  if (content.at(-1) === 0x1a) others -= 1;
  return printable >> 7 < others;
}
