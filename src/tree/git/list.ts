// Owns which files belong to a checkout: what `git ls-files` says, without anything that content could make it do. Never opens one.
import { PyroError } from "../../base/error.js";
import { askPastHoldUps, excluding, noticesOf, type HoldUp } from "./hold-ups.js";
import type { ListedCheckout } from "./repository.js";
import { openScratch, type GitScratch } from "./scratch.js";
import { findBelow, type HostFolder } from "../seed/host-folder.js";
import type { HostSettings } from "../seed/host-settings.js";
import { under, type Skipped } from "../seed/listing.js";
import { displayName, type ByteString } from "../tar/entry.js";

export interface CheckoutFiles {
  /** Relative to the checkout's root; may name what is no longer there. A repository inside it is one name. */
  readonly names: ReadonlySet<ByteString>;
  /** What could not be listed or honoured, relative to the checkout's root. */
  readonly notices: readonly Skipped[];
  /** What the user's own settings say of it. */
  readonly host: HostSettings;
  /** Whether its repository lacks objects that git would fetch when they are missed. */
  readonly isPartial: boolean;
}

interface ListedName {
  readonly name: ByteString;
  readonly tracked: boolean;
}

const tracked = ["ls-files", "-z", "-t", "--cached"];
const untracked = ["--others", "--exclude-standard"];

export async function listCheckoutFiles(checkout: ListedCheckout): Promise<CheckoutFiles> {
  await using scratch = await openScratch(checkout);
  const { prefix } = checkout.part ?? { prefix: "" };
  const asked = { root: checkout.part?.folder ?? checkout.root, signal: checkout.signal };
  const above = await heldUpAbove(checkout.root, prefix);
  const { answer, holdUps: own } = await askPastHoldUps(asked, async (known, signal) => {
    const excludes = excluding([...above, ...placedBelow(prefix, known)]);
    const args = excludes === undefined ? tracked : [...tracked, ...untracked, ...excludes];
    return scratch.git({ args: [...args, ...onlyBelow(prefix)], signal });
  });
  const holdUps = [...above, ...placedBelow(prefix, own)];
  const listed = namesIn(answer);
  const { names, notices } = scratch.settings.isPartial
    ? await withoutUnknown(scratch, checkout, listed)
    : { names: namesOf(listed), notices: scratch.notices };
  const { excludes, attributes } = scratch.rules;
  const host = { settings: scratch.settings.carried, excludes, attributes };
  return { names, notices: [...notices, ...noticesOf(holdUps)], host, isPartial: scratch.settings.isPartial };
}

/** Whether the checkout ignores the part that is asked for as a whole. */
export async function isIgnoredPart(checkout: ListedCheckout): Promise<boolean> {
  const { prefix } = checkout.part ?? { prefix: "" };
  if ((await heldUpAbove(checkout.root, prefix)).length > 0) return false;
  await using scratch = await openScratch(checkout);
  const answer = await scratch.git({ args: ["check-ignore", "--quiet", "--", `./${textOf(prefix)}`], answers: [1] });
  return answer !== undefined;
}

function onlyBelow(prefix: ByteString): readonly string[] {
  return prefix === "" ? [] : ["--", `:(top,literal)${textOf(prefix)}`];
}

function placedBelow(prefix: ByteString, holdUps: readonly HoldUp[]): readonly HoldUp[] {
  return holdUps.map(({ kind, path }) => ({ kind, path: under(prefix, path) }));
}

/** The folders that lead to the part and whose rules git would wait for, or cannot read as rules. */
async function heldUpAbove(root: HostFolder, prefix: ByteString): Promise<readonly HoldUp[]> {
  if (prefix === "") return [];
  const names = prefix.split("/").slice(0, -1);
  const folders = ["", ...names.map((_, index) => names.slice(0, index + 1).join("/"))];
  const found = await Promise.all(
    folders.map(async (path): Promise<readonly HoldUp[]> => {
      await using rules = await findBelow(root, under(path, ".gitignore"));
      return rules?.kind === "other" ? [{ kind: "u", path }] : [];
    }),
  );
  return found.flat();
}

function textOf(path: ByteString): string {
  return Buffer.from(path, "latin1").toString("utf8");
}

function namesOf(listed: readonly ListedName[]): ReadonlySet<ByteString> {
  return new Set(listed.map(({ name }) => name));
}

/** Each with a letter before it: `?` for what is not tracked. */
function namesIn(output: ByteString): readonly ListedName[] {
  return output
    .split("\0")
    .filter((record) => record.length > 2)
    .map((record) => ({ name: record.slice(2).replace(/\/$/u, ""), tracked: record[0] !== "?" }));
}

/**
 * Of a partial clone, which may lack folders of its index and ignore rules. git would fetch them: what only they could
 * tell to be ignored or not is left out.
 */
async function withoutUnknown(
  scratch: GitScratch,
  checkout: ListedCheckout,
  listed: readonly ListedName[],
): Promise<Pick<CheckoutFiles, "names" | "notices">> {
  const [folders, rules] = await Promise.all([missingFolders(scratch, checkout), missingRules(scratch, checkout)]);
  const unlisted = new Set(folders);
  const unruled = new Set(rules);
  const isKnown = ({ name, tracked }: ListedName) =>
    folderAround(name, unlisted) === undefined && (tracked || folderAround(name, unruled) === undefined);
  const hidden = listed.filter((each) => !isKnown(each));
  const around = (which: ReadonlySet<ByteString>) => [
    ...new Set(hidden.flatMap(({ name }) => folderAround(name, which) ?? [])),
  ];
  return {
    names: namesOf(listed.filter(isKnown)),
    notices: [
      ...scratch.notices,
      ...noticesFor(around(unlisted), "the list of its files, which are left out"),
      ...noticesFor(around(unruled), "its ignore rules, so its untracked files are left out"),
    ],
  };
}

/** Folders that are named; there may be thousands. */
const maxNotices = 20;

function noticesFor(folders: readonly ByteString[], what: string): readonly Skipped[] {
  const more = folders.length - maxNotices;
  const others = more > 0 ? `, and ${more} more folders` : "";
  return folders.slice(0, maxNotices).map((folder) => ({
    path: displayName(folder === "" ? "." : folder),
    reason: `this partial clone lacks ${what}${others}; \`git ls-files\` there fetches it`,
  }));
}

/** The innermost of `folders` that holds the name, or is it. */
function folderAround(name: ByteString, folders: ReadonlySet<ByteString>): ByteString | undefined {
  if (folders.size === 0) return undefined;
  for (let end = name.length; end > 0; end = name.lastIndexOf("/", end - 1)) {
    if (folders.has(name.slice(0, end))) return name.slice(0, end);
  }
  return folders.has("") ? "" : undefined;
}

/** Folders of a sparse index whose content is not on this host. */
async function missingFolders(scratch: GitScratch, { root }: ListedCheckout): Promise<readonly ByteString[]> {
  // Else a folder that is there in part is unfolded before it is listed.
  const folded = ["-c", "index.sparse=true", "-c", "sparse.expectFilesOutsideOfPatterns=true"];
  const unknownOption = 129;
  const args = [...folded, "ls-files", "-z", "--sparse", "--stage"];
  const output = await scratch.git({ args, answers: [unknownOption] });
  if (output === undefined && !scratch.settings.sparseIndex) return [];
  if (output === undefined) {
    throw new PyroError(
      "unsupported",
      `The partial clone ${root.path} has a sparse index, which this git cannot show.`,
      {
        hint: "`git sparse-checkout reapply --no-sparse-index` there writes a plain one; git 2.35 and newer can.",
      },
    );
  }
  const entries = stagedIn(output).filter(({ mode }) => mode === "040000");
  const missing = await missingAmong(scratch, entries);
  return missing.map(({ name }) => name.replace(/\/$/u, ""));
}

/** Folders whose .gitignore is neither among the files nor on this host. */
async function missingRules(scratch: GitScratch, { root }: ListedCheckout): Promise<readonly ByteString[]> {
  const output = await scratch.git({ args: ["ls-files", "-z", "--stage", "--", "*.gitignore"] });
  const entries = stagedIn(output).filter(({ name }) => /(^|\/)\.gitignore$/u.test(name));
  const missing = await missingAmong(scratch, entries);
  const isThere = await Promise.all(
    missing.map(async ({ name }) => {
      await using found = await findBelow(root, name);
      return found !== undefined;
    }),
  );
  return missing.filter((_, index) => isThere[index] === false).map(({ name }) => name.replace(/\/?\.gitignore$/u, ""));
}

interface StagedName {
  readonly mode: string;
  readonly object: string;
  readonly name: ByteString;
}

function stagedIn(output: ByteString): readonly StagedName[] {
  return output.split("\0").flatMap((record) => {
    const [, mode, object, name] = /^(\d{6}) ([0-9a-f]+) \d\t([^]*)$/u.exec(record) ?? [];
    return mode === undefined || object === undefined || name === undefined ? [] : [{ mode, object, name }];
  });
}

async function missingAmong(scratch: GitScratch, entries: readonly StagedName[]): Promise<readonly StagedName[]> {
  if (entries.length === 0) return [];
  const input = Buffer.from(entries.map(({ object }) => `${object}\n`).join(""));
  const said = (await scratch.git({ args: ["cat-file", "--batch-check"], input })).split("\n");
  return entries.filter((_, index) => said[index]?.endsWith(" missing") === true);
}
