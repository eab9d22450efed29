// Owns telling text from bytes that are none. Never guesses an encoding: text is UTF-8.
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
