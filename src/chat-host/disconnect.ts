// Owns taking our entry, and all that we have set besides, out of a host's files. Leaves every other byte.
import { rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { PyroError } from "../base/error.js";
import { readConfigFile, removeConfigFile, replaceConfigFile, type ConfigFile } from "./config-file.js";
import type { ConnectContext } from "./connect.js";
import type { Document } from "./document.js";
import type { ChatHost, ConfigPlace } from "./host.js";
import { readOwnEdits, replaceOwnEdits } from "./own-edits.js";
import { readHostFiles } from "./registration.js";
import { editOf, type FileChange } from "./report.js";
import { takenBack, type OwnEdit } from "./taken-back.js";

export interface Disconnected {
  readonly changes: readonly FileChange[];
}

interface Removal {
  readonly place: ConfigPlace;
  readonly file: ConfigFile;
  readonly text: string;
  /** Nothing is left of what was ours alone. */
  readonly isEmpty: boolean;
  readonly madeFolder: boolean;
}

/** Throws, before anything is written, where one of the files cannot be read or edited. */
export async function disconnectHost({ host, surroundings, ownEdits }: ConnectContext): Promise<Disconnected> {
  const record = ownEdits();
  const { broken, present } = await readHostFiles(host, surroundings);
  const [failure] = broken;
  if (failure !== undefined) throw failure;
  const edits = [...(await readOwnEdits(record))].toReversed();
  const entries = present.map(entryOf);
  const places = placesIn([...edits, ...entries]);
  const removals = await Promise.all(
    places.map((place) => {
      const own = [...edits, ...entries].filter(({ path }) => path === place.path);
      return removalOf(host, place, own);
    }),
  );
  const changed = removals.filter(({ file, text }) => file.text !== text);
  for (const removal of changed) await write(removal);
  if (edits.length > 0) await replaceOwnEdits(record, []);
  return {
    changes: changed.map(({ place, file, text, isEmpty }) =>
      editOf(host, place, { before: file.text, after: isEmpty ? "" : text }),
    ),
  };
}

/** An entry as something to take back, whoever wrote it. */
function entryOf({ place }: Document): OwnEdit {
  const { path, scope, within = null, keys } = place;
  const depth = keys.length - 1;
  return {
    path,
    scope,
    within,
    created: false,
    made_folder: false,
    was: "",
    is: "",
    settings: [{ keys: [...keys], depth, items: null, previous: null, value: null }],
  };
}

function placesIn(edits: readonly OwnEdit[]): readonly ConfigPlace[] {
  const byPath = new Map(edits.map((edit) => [edit.path, edit]));
  return [...byPath.values()].map(({ path, scope, within }) => ({
    path,
    scope,
    keys: [],
    ...(within === null ? {} : { within }),
  }));
}

async function removalOf({ format, adds }: ChatHost, place: ConfigPlace, edits: readonly OwnEdit[]): Promise<Removal> {
  const file = await readConfigFile(place);
  const isEmptied = (text: string) =>
    edits.some(({ created }) => created) &&
    /^\s*(?:\{\s*\})?\s*$/u.test(adds.reduce((rest, key) => format.remove(rest, [key]), text));
  const made = { madeFolder: edits.some((edit) => edit.made_folder) };
  if (file.ownership === undefined) return { place, file, text: file.text, isEmpty: false, madeFolder: false };
  const text = edits.reduce((before, edit) => {
    const after = takenBack(format, before, edit);
    if (after === undefined) throw uneditable(place.path);
    return after;
  }, file.text);
  return { place, file, text, isEmpty: text !== file.text && isEmptied(text), ...made };
}

async function write({ place, file, text, isEmpty, madeFolder }: Removal): Promise<void> {
  if (!isEmpty) return replaceConfigFile(place, file, text);
  await removeConfigFile(place, file);
  // Whoever has put something else into it keeps it.
  if (madeFolder) await rmdir(dirname(place.path)).catch(() => undefined);
}

function uneditable(path: string): PyroError {
  return new PyroError(
    "failed_precondition",
    `What pyro has set in ${path} is written in a way that it does not edit.`,
    {
      hint: "Remove it by hand, and call again; nothing was written.",
    },
  );
}
