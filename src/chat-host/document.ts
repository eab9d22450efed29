// Owns reading the files in which a host may have our entry: what is in each, and which of it counts. Never writes.
import { PyroError } from "../base/error.js";
import { readConfigFile, type ConfigFile } from "./config-file.js";
import { isTable, valueAt, type SyntaxProblem } from "./config-format.js";
import type { ChatHost, ConfigPlace, Scope, Surroundings } from "./host.js";

export interface Document {
  readonly place: ConfigPlace;
  readonly file: ConfigFile;
  /** The whole content; an empty table when there is no file. */
  readonly value: unknown;
  /** Our entry; undefined when there is none. */
  readonly entry: unknown;
}

/** Throws `failed_precondition`, with line and column, for a file that cannot be read or parsed. */
export async function readDocument({ format, title }: ChatHost, place: ConfigPlace): Promise<Document> {
  const file = await readConfigFile(place);
  if (file.ownership === undefined) return { place, file, value: {}, entry: undefined };
  const parsed = format.parse(file.text);
  if (parsed.kind === "broken") throw broken(place, parsed.problem);
  const { value } = parsed;
  for (let depth = 0; depth < place.keys.length; depth += 1) {
    const above = valueAt(value, place.keys.slice(0, depth));
    if (above === undefined || isTable(above)) continue;
    const name = depth === 0 ? "The top" : `"${place.keys.slice(0, depth).join(".")}"`;
    throw new PyroError("failed_precondition", `${place.path} is not what ${title} takes: ${name} is no table.`, {
      hint: "Correct the file by hand; pyro leaves it untouched.",
    });
  }
  return { place, file, value, entry: valueAt(value, place.keys) };
}

/** The file that a new entry goes to: where one is already, else the first that exists, else the first. */
export async function targetDocument(host: ChatHost, scope: Scope, surroundings: Surroundings): Promise<Document> {
  const documents = await Promise.all(host.targets(scope, surroundings).map((place) => readDocument(host, place)));
  const target =
    documents.find(({ entry }) => entry !== undefined) ??
    documents.find(({ file }) => file.ownership !== undefined) ??
    documents.at(-1);
  if (target === undefined) throw new Error(`${host.name} has no file for ${scope}`);
  return target;
}

function broken({ path }: ConfigPlace, { line, column, message }: SyntaxProblem): PyroError {
  return new PyroError("failed_precondition", `${path}:${line}:${column} cannot be parsed: ${message}`, {
    hint: "Correct the file by hand; pyro leaves it untouched.",
  });
}
