// Owns what text is: UTF-8 and whole characters, also where it is cut. Never guesses an encoding.
import { isUtf8 } from "node:buffer";

/** Whether all of it is text, so that its text form loses nothing. */
export function isText(bytes: Uint8Array): boolean {
  return isUtf8(bytes);
}

export interface ShownBytes {
  /** Bytes that are no text become U+FFFD. */
  readonly text: string;
  /** The bytes themselves, where the text form loses something. */
  readonly base64: string | undefined;
}

/** As results show bytes. */
export function shownBytes(bytes: Buffer): ShownBytes {
  return { text: bytes.toString("utf8"), base64: isText(bytes) ? undefined : bytes.toString("base64") };
}

/** Half of a surrogate pair, which no encoding has. */
const half = /\p{Surrogate}/u;

/** Where a half of a surrogate pair stands; -1 for text. */
export function brokenAt(text: string): number {
  return text.search(half);
}

/** The same with U+FFFD for each half. */
export function wholeText(text: string): string {
  return text.replaceAll(new RegExp(half, "gu"), "\u{fffd}");
}

/** At most so many UTF-16 units from its start, without half a character at the end. */
export function startOf(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/u, "");
}

/** The same, with an ellipsis where something is missing. */
export function shortened(text: string, length: number): string {
  return text.length > length ? `${startOf(text, length)}…` : text;
}

/** Bytes of the longest character. */
export const maxCharacterBytes = 4;

/** The place to cut at, `at` or the nearest before it, so that both parts read as the whole does. Looks 3 bytes beyond `at`. */
export function characterEnd(bytes: Uint8Array, at: number): number {
  const start = unitAround(bytes, at);
  return start !== undefined && start + unitLength(bytes, start) > at ? start : at;
}

/** The same, `at` or the nearest behind it. */
export function characterStart(bytes: Uint8Array, at: number): number {
  const start = unitAround(bytes, at);
  return start === undefined ? at : Math.max(at, start + unitLength(bytes, start));
}

/** Length without a character at the end of which more may come. */
export function wholeLength(bytes: Uint8Array): number {
  const start = unitAround(bytes, bytes.length);
  if (start === undefined || start + unitLength(bytes, start) < bytes.length) return bytes.length;
  return bytes.length - start < wantedLength(bytes[start] ?? 0) ? start : bytes.length;
}

/**
 * Bytes of a page that may have `maxBytes`: whole characters, and at least one. `bytes` has 3 more than that, as far as there
 * are so many. `isOpen`: of the last character the rest may still come.
 */
export function pageLength(bytes: Uint8Array, maxBytes: number, isOpen: boolean): number {
  const known = isOpen && bytes.length < maxBytes + maxCharacterBytes - 1 ? wholeLength(bytes) : bytes.length;
  if (known <= maxBytes) return known;
  return characterEnd(bytes, maxBytes) || unitLength(bytes, 0);
}

/** Start of what the byte before `at` is the last known part of; undefined where that is bytes that are no text. */
function unitAround(bytes: Uint8Array, at: number): number | undefined {
  for (let start = at - 1; start >= 0 && start > at - maxCharacterBytes; start -= 1) {
    if (((bytes[start] ?? 0) & 0xc0) !== 0x80) return start;
  }
  return undefined;
}

/** Bytes of the character at `start`, or of the broken one for which a decoder writes one U+FFFD. */
function unitLength(bytes: Uint8Array, start: number): number {
  const lead = bytes[start] ?? 0;
  const wanted = wantedLength(lead);
  const [lowest, highest] = secondByte(lead);
  for (let length = 1; length < wanted; length += 1) {
    const byte = bytes[start + length] ?? 0;
    if (byte < (length === 1 ? lowest : 0x80) || byte > (length === 1 ? highest : 0xbf)) return length;
  }
  return wanted;
}

function wantedLength(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 1;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** What may follow: no longer form than needed, no surrogate, nothing beyond U+10FFFF. */
function secondByte(lead: number): readonly [number, number] {
  switch (lead) {
    case 0xe0:
      return [0xa0, 0xbf];
    case 0xed:
      return [0x80, 0x9f];
    case 0xf0:
      return [0x90, 0xbf];
    case 0xf4:
      return [0x80, 0x8f];
    default:
      return [0x80, 0xbf];
  }
}
