// Owns the record of what we have written into the files of one host. Never reads or changes those.
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { PyroError } from "../base/error.js";
import { resolvePaths } from "../base/paths.js";
import { readRecordFile, replaceRecordFile } from "../base/record-file.js";
import { refuseNewer, type RecordKind } from "../base/stored-record.js";
import type { HostName } from "./host.js";
import { ownEdit, type OwnEdit, type OwnSetting } from "./taken-back.js";

const schema = z.strictObject({ format: z.literal(1), edits: z.array(ownEdit) });

export const ownEditsKind: RecordKind<typeof schema> = { what: "chat host settings", schema, upgrades: [] };

export function ownEditsPath(env: NodeJS.ProcessEnv, host: HostName): string {
  return join(resolvePaths(env).state, "chat-hosts", `${host}.json`);
}

/** The oldest first. Throws where a newer pyro wrote them, or nobody knows what. */
export async function readOwnEdits(path: string): Promise<readonly OwnEdit[]> {
  const found = await readRecordFile(ownEditsKind, path);
  switch (found.kind) {
    case "absent":
      return [];
    case "readable":
      return found.value.edits;
    case "newer":
      throw refuseNewer(path, found);
    case "garbled":
      throw new PyroError("failed_precondition", `${path} cannot be read: ${found.reason}`, {
        hint: "Remove that file; what pyro has set in the host's own files then has to be removed by hand.",
      });
  }
}

export async function replaceOwnEdits(path: string, edits: readonly OwnEdit[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await replaceRecordFile(ownEditsKind, path, { format: 1, edits: [...edits] });
}

/** Before the file is written, so that a kill in between leaves an edit that is looked for and not found. */
export async function addOwnEdit(path: string, edit: OwnEdit): Promise<void> {
  await replaceOwnEdits(path, [...withoutRepeated(await readOwnEdits(path), edit), edit]);
}

/** What is set anew was not there any more. */
function withoutRepeated(edits: readonly OwnEdit[], { path, settings }: OwnEdit): readonly OwnEdit[] {
  return edits.flatMap((edit) => {
    if (edit.path !== path) return [edit];
    const rest = edit.settings.filter((each) => !settings.some((other) => isSame(each, other)));
    if (rest.length === edit.settings.length) return [edit];
    return rest.length === 0 ? [] : [{ ...edit, was: "", is: "", settings: rest }];
  });
}

function isSame(left: OwnSetting, right: OwnSetting): boolean {
  if (left.keys.join("\0") !== right.keys.join("\0")) return false;
  return left.items === null || left.items.some((item) => right.items?.includes(item));
}
