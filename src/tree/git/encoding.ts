// Owns turning the encodings of `working-tree-encoding` into UTF-8 and back, as git does it. Never guesses one.
import { isText } from "../../base/text.js";

export interface Encoding {
  /** Undefined for bytes that are not of this encoding: git then leaves the content as it is. */
  decode(content: Buffer): Buffer | undefined;
  encode(utf8: Buffer): Buffer | undefined;
}

/** Undefined for UTF-8 itself; `unknown` for one that is not known here. */
export function encodingNamed(name: string): Encoding | undefined | "unknown" {
  const plain = name.toUpperCase();
  if (/^UTF-?8$/u.test(plain)) return undefined;
  const wide = /^UTF-?(16|32)(LE-BOM|BE-BOM|LE|BE|)$/u.exec(plain);
  if (wide !== null) return wideEncoding({ width: wide[1] === "16" ? 2 : 4, variant: wide[2] ?? "" });
  if (/^(?:ISO[-_]?8859-1|LATIN-?1|L1)$/u.test(plain)) return singleBytes(String.fromCharCode);
  if (/^(?:US-)?ASCII$/u.test(plain)) return singleBytes((byte) => (byte < 0x80 ? String.fromCharCode(byte) : ""));
  if (/^(?:WINDOWS-|CP)1252$/u.test(plain)) return singleBytes(westernCharacter);
  if (/^(?:ISO[-_]?8859-(?:[2-8]|1[0345])|(?:WINDOWS-|CP)125[0-8]|KOI8-[RU]|(?:CP|IBM)866)$/u.test(plain)) {
    return tableEncoding(plain.replace(/^CP125/u, "WINDOWS-125").replace(/^ISO_?8859/u, "ISO-8859"));
  }
  return "unknown";
}

interface Wide {
  /** Bytes of a unit. */
  readonly width: 2 | 4;
  readonly variant: string;
}

function wideEncoding({ width, variant }: Wide): Encoding | "unknown" {
  if (variant === "BE-BOM" || (width === 4 && variant === "LE-BOM")) return "unknown";
  const mark = (isLittle: boolean): Buffer => toUnits([0xfeff], width, isLittle);
  const startsWith = (content: Buffer, isLittle: boolean): boolean => content.subarray(0, width).equals(mark(isLittle));
  return {
    decode(content) {
      if (content.length % width !== 0) return undefined;
      const isMarked = startsWith(content, true) || startsWith(content, false);
      const states = variant === "LE" || variant === "BE";
      if (isMarked === states) return undefined;
      const isLittle = states ? variant === "LE" : startsWith(content, true);
      const points = fromUnits(isMarked ? content.subarray(width) : content, width, isLittle);
      return points === undefined ? undefined : Buffer.from(points);
    },
    encode(utf8) {
      if (!isText(utf8)) return undefined;
      const isLittle = variant !== "BE";
      const points = Array.from(utf8.toString("utf8"), (character) => character.codePointAt(0) ?? 0);
      const isMarked = variant === "" || variant === "LE-BOM";
      return Buffer.concat([isMarked ? mark(isLittle) : Buffer.alloc(0), toUnits(points, width, isLittle)]);
    },
  };
}

function toUnits(points: readonly number[], width: 2 | 4, isLittle: boolean): Buffer {
  if (width === 4) {
    const bytes = Buffer.alloc(points.length * 4);
    for (const [index, point] of points.entries()) {
      if (isLittle) bytes.writeUInt32LE(point, index * 4);
      else bytes.writeUInt32BE(point, index * 4);
    }
    return bytes;
  }
  const pieces: Buffer[] = [];
  for (let at = 0; at < points.length; at += 4096) {
    pieces.push(Buffer.from(String.fromCodePoint(...points.slice(at, at + 4096)), "utf16le"));
  }
  const bytes = Buffer.concat(pieces);
  return isLittle ? bytes : bytes.swap16();
}

/** Undefined where a unit is no character. */
function fromUnits(bytes: Buffer, width: 2 | 4, isLittle: boolean): string | undefined {
  if (width === 2) {
    const little = isLittle ? bytes : Buffer.from(bytes).swap16();
    const text = little.toString("utf16le");
    return /\p{Surrogate}/u.test(text) ? undefined : text;
  }
  const characters: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const point = isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return undefined;
    characters.push(String.fromCodePoint(point));
  }
  return characters.join("");
}

/** Of Windows-1252, from 0x80 on; Node's own decoder takes it for Latin-1 in some versions. */
const western =
  "\u20ac\0\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\0\u017d\0" +
  "\0\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\0\u017e\u0178";

function westernCharacter(byte: number): string {
  if (byte < 0x80 || byte > 0x9f) return String.fromCharCode(byte);
  return western.charAt(byte - 0x80).replace("\0", "");
}

function tableEncoding(label: string): Encoding | "unknown" {
  const decode = decoderNamed(label);
  if (decode === undefined) return "unknown";
  return singleBytes((byte) => {
    if (byte < 0x80) return String.fromCharCode(byte);
    try {
      const character = decode(Buffer.from([byte]));
      // The web takes bytes that mean nothing for something; git does not take them.
      const isMadeUp = label.startsWith("WINDOWS") && /[\x80-\x9f]/u.test(character);
      return isMadeUp || (label === "WINDOWS-1253" && byte === 0xaa) ? "" : character;
    } catch {
      return "";
    }
  });
}

/** Undefined where this Node knows fewer. */
function decoderNamed(label: string): ((bytes: Uint8Array) => string) | undefined {
  try {
    const decoder = new TextDecoder(label, { fatal: true });
    return (bytes) => decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function singleBytes(characterOf: (byte: number) => string): Encoding {
  const characters = Array.from({ length: 256 }, (_, byte) => characterOf(byte));
  const bytes = new Map(characters.flatMap((character, byte) => (character === "" ? [] : [[character, byte]])));
  return {
    decode(content) {
      const text = Array.from(content, (byte) => characters[byte] ?? "");
      return text.includes("") ? undefined : Buffer.from(text.join(""));
    },
    encode(utf8) {
      if (!isText(utf8)) return undefined;
      const found = Array.from(utf8.toString("utf8"), (character) => bytes.get(character));
      const known = found.filter((byte) => byte !== undefined);
      return known.length === found.length ? Buffer.from(known) : undefined;
    },
  };
}
