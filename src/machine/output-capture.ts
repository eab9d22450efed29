// Owns keeping one stream of a command for its result, within bounds. Never decides how much a reader sees.
import { keptOutputBytes } from "../process/output.js";

export interface CapturedOutput {
  readonly text: string;
  /** The bytes, where they are not UTF-8. */
  readonly base64: string | undefined;
  readonly droppedBytes: number;
}

export class OutputCapture {
  readonly #chunks: Uint8Array[] = [];
  readonly #limit: number;
  #kept = 0;
  #dropped = 0;

  constructor(limitBytes: number = keptOutputBytes) {
    this.#limit = limitBytes;
  }

  add(chunk: Uint8Array): void {
    const room = Math.min(chunk.length, this.#limit - this.#kept);
    if (room > 0) this.#chunks.push(chunk.slice(0, room));
    this.#kept += room;
    this.#dropped += chunk.length - room;
  }

  take(): CapturedOutput {
    const bytes = Buffer.concat(this.#chunks);
    const valid = isUtf8Prefix(bytes);
    return {
      text: bytes.toString("utf8"),
      base64: valid ? undefined : bytes.toString("base64"),
      droppedBytes: this.#dropped,
    };
  }
}

function isUtf8Prefix(bytes: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
