// Owns changing our entry in the text of a config file, and proving that nothing else changed. Never touches a file.
import { isDeepStrictEqual } from "node:util";
import { PyroError } from "../base/error.js";
import { withValueAt, type ConfigFormat } from "./config-format.js";
import type { Difference } from "./entry.js";
import type { ConfigPlace } from "./host.js";

/** The text with every difference settled; all bytes outside of our entry stay. Throws where that cannot be done. */
export function editEntry(
  format: ConfigFormat,
  text: string,
  { place, differences }: { readonly place: ConfigPlace; readonly differences: readonly Difference[] },
): string {
  const before = format.parse(text);
  const edited = settled(format, text, { place, differences });
  const after = edited === undefined ? undefined : format.parse(edited);
  const expected = differences.reduce(
    (value, { path, should }) => withValueAt(value, [...place.keys, ...path], should),
    before.kind === "parsed" ? before.value : undefined,
  );
  if (edited !== undefined && after?.kind === "parsed" && isDeepStrictEqual(plain(after.value), plain(expected))) {
    return edited;
  }
  throw new PyroError(
    "failed_precondition",
    `The entry in ${place.path} is written in a way that pyro does not edit.`,
    {
      hint: "Remove the entry by hand and connect again; nothing was written.",
    },
  );
}

/** Undefined where one edit has left a text that the next cannot read, as where a field is a table of its own. */
function settled(
  format: ConfigFormat,
  text: string,
  { place, differences }: { readonly place: ConfigPlace; readonly differences: readonly Difference[] },
): string | undefined {
  let edited = text;
  for (const { path, should } of differences) {
    // An empty text is the beginning of any, also where the format has no empty one.
    if (edited !== "" && format.parse(edited).kind === "broken") return undefined;
    const keys = [...place.keys, ...path];
    edited = should === undefined ? format.remove(edited, keys) : format.set(edited, keys, should);
  }
  return edited;
}

/** Without prototypes, which parsers set as they like. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
