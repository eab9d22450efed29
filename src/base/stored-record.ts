// Owns reading a record that outlives the code that wrote it: its format alone first, then upgrades, then its schema. Never touches the disk.
import * as z from "zod";
import { PyroError } from "./error.js";

type Fields = Readonly<Record<string, unknown>>;

/** One kind of record on the disk. Its current format is one more than it has upgrades. */
export interface RecordKind<Schema extends z.ZodType> {
  /** For a person, such as `workspace`. */
  readonly what: string;
  /** Of the current format, whose number stands in the field `format`. */
  readonly schema: Schema;
  /** The function at `n - 1` turns the fields of format `n` into those of `n + 1`, `format` included. */
  readonly upgrades: readonly ((fields: Fields) => Fields)[];
}

export interface NewerRecord {
  readonly kind: "newer";
  readonly format: number;
  /** Whatever else stands there: nothing of it is known to mean what it seems to. */
  readonly fields: Fields;
  readonly reason: string;
}

/** A record as found. A newer one is whole, and stays as it is: only newer code may change it. */
export type StoredRecord<Value> =
  | { readonly kind: "readable"; readonly value: Value; readonly writtenAs: number }
  | NewerRecord
  | { readonly kind: "garbled"; readonly reason: string };

const envelope = z.looseObject({ format: z.int().positive() });

export function currentFormat({ upgrades }: Pick<RecordKind<z.ZodType>, "upgrades">): number {
  return upgrades.length + 1;
}

/** Reads the text of a record of any format. Never throws. */
export function readStored<Schema extends z.ZodType>(
  kind: RecordKind<Schema>,
  text: string,
): StoredRecord<z.output<Schema>> {
  try {
    const found = envelope.parse(JSON.parse(text));
    const current = currentFormat(kind);
    if (found.format > current) {
      const reason = `It is of format ${found.format}, which a newer pyro wrote; this one knows formats up to ${current}.`;
      return { kind: "newer", format: found.format, fields: found, reason };
    }
    const upgraded = kind.upgrades.slice(found.format - 1).reduce<Fields>((fields, upgrade) => upgrade(fields), found);
    return { kind: "readable", value: kind.schema.parse(upgraded), writtenAs: found.format };
  } catch (error) {
    return { kind: "garbled", reason: complaint(error) };
  }
}

/** The refusal to use, change or replace what a newer pyro wrote. `which` is for a person, such as `Workspace ws_…`. */
export function refuseNewer(which: string, { reason, format }: Pick<NewerRecord, "reason" | "format">): PyroError {
  return new PyroError("unsupported", `${which} is left as it is. ${reason}`, {
    hint: "Use the newer pyro that made it; nothing of it was changed.",
    details: { format },
  });
}

function complaint(error: unknown): string {
  if (error instanceof z.ZodError) {
    return error.issues.map(({ path, message }) => `${path.join(".") || "the record"}: ${message}`).join("; ");
  }
  return error instanceof Error ? error.message : String(error);
}
