// Owns making our entries right again, with every other byte of the files kept. Never adds one.
import { PyroError } from "../base/error.js";
import { call, say } from "../base/say.js";
import { valueAt } from "./config-format.js";
import { write, type ConnectContext } from "./connect.js";
import type { Document } from "./document.js";
import type { Difference } from "./entry.js";
import { judge, readHostFiles, registrationsOf } from "./registration.js";
import type { FileChange } from "./report.js";

export interface Repaired {
  readonly changes: readonly FileChange[];
  /** Choices that could not be kept, a sentence each. */
  readonly notes: readonly string[];
}

/** Throws, before anything is written, when one of the files cannot be parsed. */
export async function repairHost(context: ConnectContext): Promise<Repaired> {
  const { host, surroundings } = context;
  const { broken, documents } = await readHostFiles(host, surroundings);
  const [failure] = broken;
  if (failure !== undefined) throw failure;
  const registrations = registrationsOf(host, documents);
  if (registrations.length === 0) {
    throw new PyroError("not_found", `${host.title} has no entry for pyro.`, {
      hint: say`Make one by ${call("host_connect", { host: host.name })}.`,
    });
  }
  const changes: FileChange[] = [];
  const notes: string[] = [];
  for (const registration of registrations) {
    const { differences, lost } = await judge(host, registration, context);
    if (differences.length > 0 && lost !== undefined) notes.push(`${lost} It has the standard choices now.`);
    for (const document of registration.documents) {
      const own = differences.filter((each) => belongsTo(document, each, registration.documents[0]));
      if (own.length > 0) changes.push(await write(host, document, { differences: own, dryRun: false }));
    }
  }
  return { changes, notes };
}

/** What is to be set goes to the file that decides; what is to go is removed from each that has it. */
function belongsTo(document: Document, { path, should }: Difference, first: Document): boolean {
  return should === undefined ? valueAt(document.entry, path) !== undefined : document === first;
}
