// Owns how a finding looks to a person. Never finds anything.
import type { Severity } from "../base/severity.js";

export interface ShownFinding {
  readonly title: string;
  readonly severity: Severity;
  readonly text: string;
  readonly fix: string | null;
}

const markers: Readonly<Record<Severity, string>> = { ok: "ok", info: "info", warning: "warning", error: "ERROR" };
const markerWidth = 8;
const titleWidth = 20;
/** Characters of a line, so that it fits a terminal and a chat. */
const lineWidth = 110;

/** Severity and title in front, the text in lines beside them. */
export function findingText({ severity, title, text, fix }: ShownFinding): string {
  const indent = " ".repeat(markerWidth + titleWidth);
  const paragraphs = [text, ...(fix === null ? [] : [`fix: ${fix}`])];
  const wrapped = paragraphs
    .flatMap((each) => each.split("\n"))
    .flatMap((each) => wrap(each, lineWidth - indent.length));
  return `${markers[severity].padEnd(markerWidth)}${title.padEnd(titleWidth)}${wrapped.join(`\n${indent}`)}`;
}

function wrap(text: string, width: number): readonly string[] {
  const rows: string[] = [];
  let row = "";
  for (const word of text.split(" ")) {
    if (row !== "" && row.length + 1 + word.length > width) {
      rows.push(row);
      row = word;
    } else row = row === "" ? word : `${row} ${word}`;
  }
  return [...rows, row];
}
