// Owns setting what takes a host's own tools for commands and changes away. Never overrides what the user has set in another form.
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { PyroError } from "../base/error.js";
import { replaceConfigFile } from "./config-file.js";
import { valueAt } from "./config-format.js";
import type { ConnectContext } from "./connect.js";
import { readDocument, type Document } from "./document.js";
import { editEntry } from "./edit.js";
import type { Difference } from "./entry.js";
import type { GuardSetting } from "./host.js";
import { addOwnEdit } from "./own-edits.js";
import { editOf, type FileChange } from "./report.js";
import { depthOf, differingPart, type OwnEdit, type OwnSetting } from "./taken-back.js";

export interface PlannedGuard {
  /** In which the settings are, or will be. */
  readonly file: string;
  /** Undefined: all of it is set. */
  readonly change: FileChange | undefined;
  write(): Promise<void>;
}

/** Writes nothing yet. Throws for a file that cannot be edited. */
export async function planGuard(context: ConnectContext, scope: "local" | "user"): Promise<PlannedGuard> {
  const { host, surroundings, ownEdits } = context;
  const documents = await Promise.all(host.guard.places(scope, surroundings).map((place) => readDocument(host, place)));
  const document = documents.find(({ file }) => file.ownership !== undefined) ?? documents.at(-1);
  if (document === undefined) throw new Error(`${host.name} has no file for settings`);
  const { place, file, value } = document;
  const wanted = host.guard.settings.flatMap((setting) => settingOf(document, setting));
  if (wanted.length === 0) return { file: place.path, change: undefined, write: () => Promise.resolve() };
  const differences = wanted.map((setting) => differenceOf(value, setting));
  const edited = editEntry(host.format, file.text, { place, differences });
  const edit: OwnEdit = {
    path: place.path,
    scope: place.scope,
    within: place.within ?? null,
    settings: wanted,
    created: file.ownership === undefined,
    made_folder: !existsSync(dirname(place.path)),
    ...differingPart(file.text, edited),
  };
  return {
    file: place.path,
    change: editOf(host, place, { before: file.text, after: edited }),
    write: async () => {
      await addOwnEdit(ownEdits(), edit);
      await replaceConfigFile(place, file, edited);
    },
  };
}

/** What of a setting is not there yet. */
function settingOf({ value, place }: Document, setting: GuardSetting): readonly OwnSetting[] {
  const keys = [...setting.keys];
  const present = valueAt(value, keys);
  const depth = depthOf(value, keys);
  if ("items" in setting) {
    if (present !== undefined && !Array.isArray(present)) throw otherForm(place.path, keys);
    const items = setting.items.filter((item) => !(present ?? []).includes(item));
    return items.length === 0 ? [] : [{ keys, depth, items, previous: null, value: null }];
  }
  if (present === setting.value) return [];
  if (present !== undefined && typeof present !== "string" && typeof present !== "boolean") {
    throw otherForm(place.path, keys);
  }
  return [{ keys, depth, items: null, previous: present ?? null, value: setting.value }];
}

function differenceOf(document: unknown, { keys, items, value }: OwnSetting): Difference {
  const was = valueAt(document, keys);
  return { path: keys, was, should: items === null ? value : [...(Array.isArray(was) ? was : []), ...items] };
}

function otherForm(path: string, keys: readonly string[]): PyroError {
  return new PyroError("failed_precondition", `"${keys.join(".")}" in ${path} is written in a form of its own.`, {
    hint: "Set it by hand: the page of the host in docs/integrations shows how. Nothing was written.",
  });
}
