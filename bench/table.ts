// Owns how results look as text, on a terminal and in a document. Never measures.
import type { Figure } from "./figure.js";
import { isMet, ratioOf, type Row } from "./row.js";
import type { Result } from "./result.js";

/** For a terminal. */
export function tableOf({ rows, host, seconds, warnings }: Result): string {
  const lines = [["what", "figure", "p10–p90", "goal", "reference", "ratio", ""], ...rows.map(cellsOf)];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? "").length)));
  const padded = lines.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const about = `${host.cores} × ${host.cpu}, QEMU ${host.qemu} (${host.accelerator}), load ${host.load_at_start}, ${seconds} s`;
  return `${[...padded, "", about, ...warnings].join("\n")}\n`;
}

/** What, figure, spread, goal, reference, ratio with its goal, verdict. */
export function cellsOf(row: Row): string[] {
  const { what, figure, goal, reference } = row;
  const ratio = ratioOf(row);
  const met = isMet(row);
  return [
    what,
    textOf(figure),
    figure.count > 1 ? `${number(figure.p10)}–${number(figure.p90)}` : "",
    goal === undefined ? "" : `≤ ${goal} ${figure.unit}`,
    reference === undefined ? "" : `${reference.what}: ${textOf(reference.figure)}`,
    ratio === undefined ? "" : `${ratio}${reference?.goal === undefined ? "" : ` (≤ ${reference.goal})`}`,
    met === undefined ? "" : met ? "met" : "missed",
  ];
}

export function textOf({ median, unit }: Figure): string {
  return `${number(median)} ${unit}`;
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
