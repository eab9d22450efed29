// Owns the keyword $Id$: how git takes its expansion out of a file, and puts it in. Never decides which files have it.
import { blobId, type ObjectFormat } from "./blob-id.js";

const dollar = 0x24;
const newline = 0x0a;

/** With each `$Id: …$` as `$Id$`. */
export function collapseIdent(content: Buffer): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (const { start, end } of keywords(content)) {
    parts.push(content.subarray(from, start), Buffer.from("$Id$"));
    from = end;
  }
  return from === 0 ? content : Buffer.concat([...parts, content.subarray(from)]);
}

/** With each `$Id$` as git writes it where it checks the file out; what another system expanded stays. */
export function expandIdent(content: Buffer, format: ObjectFormat): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  const expanded = Buffer.from(`$Id: ${blobId(content, format)} $`);
  for (const { start, end } of keywords(content)) {
    // "$Id: 1.2 2004 $": a space before the last character inside.
    const space = content.indexOf(0x20, start + 5);
    if (space !== -1 && space < end - 2) continue;
    parts.push(content.subarray(from, start), expanded);
    from = end;
  }
  return from === 0 ? content : Buffer.concat([...parts, content.subarray(from)]);
}

interface Keyword {
  readonly start: number;
  /** Behind its last dollar. */
  readonly end: number;
}

function* keywords(content: Buffer): Generator<Keyword> {
  for (let at = content.indexOf("$Id"); at !== -1; at = content.indexOf("$Id", at)) {
    const start = at;
    at += 3;
    if (content[at] === dollar) {
      at += 1;
      yield { start, end: at };
    } else if (content[at] === 0x3a) {
      const close = content.indexOf(dollar, at + 1);
      if (close === -1) return;
      const lineEnd = content.indexOf(newline, at + 1);
      if (lineEnd !== -1 && lineEnd < close) continue;
      at = close + 1;
      yield { start, end: at };
    }
  }
}
