// Owns showing how a config file changes. Never shows lines that do not change: they may hold secrets of others.
import { structuredPatch } from "diff";
import type { ChatHost, ConfigPlace } from "./host.js";

export interface FileChange {
  readonly scope: ConfigPlace["scope"];
  readonly file: string;
  /** Unified diff without context. */
  readonly diff: string;
}

export function changeOf({ scope, path }: ConfigPlace, before: string, after: string): FileChange {
  const { hunks } = structuredPatch(path, path, before, after, undefined, undefined, { context: 0 });
  const lines = hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...lines,
  ]);
  return { scope, file: path, diff: [`--- ${path}`, `+++ ${path}`, ...lines].join("\n") };
}

/** The same for an entry that the host's own command writes, where it likes; what else it writes is its own business. */
export function additionOf({ format }: ChatHost, { scope, path, keys }: ConfigPlace, fields: unknown): FileChange {
  const lines = format.set("", keys, fields).trimEnd().split("\n");
  return { scope, file: path, diff: [`--- ${path}`, `+++ ${path}`, ...lines.map((line) => `+${line}`)].join("\n") };
}
