// Owns the few pieces of Markdown that the reference is made of. Never knows what they say.

/** Blocks with a blank line between them, below the line that says where they come from. */
export function page(title: string, blocks: readonly string[]): string {
  const origin = "<!-- Generated from src/operations by `make generate`; do not edit. -->";
  return `${[origin, `# ${title}`, ...blocks.filter((block) => block !== "")].join("\n\n")}\n`;
}

export function code(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

/** Nothing when there are no rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
