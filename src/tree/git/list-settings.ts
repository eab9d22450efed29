// Owns which settings decide what git lists, of the repository and of the user. Never lets another one through.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PyroError } from "../../base/error.js";
import { startOf } from "../../base/text.js";
import { git } from "./command.js";
import type { ListedCheckout } from "./repository.js";
import { readWithin } from "./roots.js";
import { formatSettings, keyOfSetting, maxConfigBytes, parseSettings, readSettings, type Setting } from "./settings.js";
import type { Skipped } from "../seed/listing.js";

/** A setting that names a file of rules. */
export interface RuleFileSetting {
  /** As the repository has it. */
  readonly repository: string | undefined;
  /** That of the user, its `~` resolved; relative to the checkout. */
  readonly user: string | undefined;
}

export interface ListSettings {
  /** What goes into a configuration of ours; of one name the last counts. */
  readonly kept: readonly Setting[];
  /** Of the user's own, what decides how git reads a checkout's files: for a copy of it elsewhere. */
  readonly carried: readonly Setting[];
  /** core.excludesFile and core.attributesFile. */
  readonly excludes: RuleFileSetting;
  readonly attributes: RuleFileSetting;
  /** Whether git fetches objects of it when they are missed. */
  readonly isPartial: boolean;
  /** Whether its index may name whole folders that the checkout leaves out. */
  readonly sparseIndex: boolean;
  readonly notices: readonly Skipped[];
}

const listKeys = "ignorecase filemode symlinks precomposeunicode sparsecheckout sparsecheckoutcone".split(" ");
const decides = new Set(listKeys.map((name) => `core.${name}`));
const readKeys = "autocrlf eol filemode ignorecase".split(" ");
const carries = new Set(readKeys.map((name) => `core.${name}`));
const askedKeys = [...new Set([...listKeys, ...readKeys])];
const formatKeys = new Set(["core.repositoryformatversion", "extensions.objectformat"]);

/** Extensions that change nothing about what is listed; their meaning is git's. */
const plainExtensions = new Set([
  "noop",
  "noop-v1",
  "objectformat",
  "partialclone",
  "preciousobjects",
  "worktreeconfig",
  "relativeworktrees",
  "compatobjectformat",
]);

/** `folder` is our own repository folder, whose configuration is not written yet. */
export async function listSettingsOf(checkout: ListedCheckout, folder: string): Promise<ListSettings> {
  const { repository } = checkout;
  const shared = repository === undefined ? [] : await settingsAt(join(repository.common.path, "config"), checkout);
  checkFormat(shared, repository?.common.path ?? "");
  const own =
    repository !== undefined && isTrue(shared, "extensions.worktreeconfig")
      ? await settingsAt(join(repository.gitDir.path, "config.worktree"), checkout)
      : [];
  const theirs = [...shared, ...own];
  const format = shared.filter((setting) => formatKeys.has(keyOfSetting(setting)));
  const user = await userSettings(checkout, folder, [...format, ...theirs.filter(isRemoteUrl)]);
  const isPartial = theirs.some(
    ({ section, name }) =>
      (section === "extensions" && name === "partialclone") || (section === "remote" && name === "promisor"),
  );
  return {
    kept: [...format, ...user.settings.filter(isListed), ...theirs.filter(isListed)],
    carried: user.settings.filter((setting) => carries.has(keyOfSetting(setting))),
    excludes: { repository: textOf(theirs, "core.excludesfile"), user: textOf(user.paths, "core.excludesfile") },
    attributes: { repository: textOf(theirs, "core.attributesfile"), user: textOf(user.paths, "core.attributesfile") },
    isPartial,
    sparseIndex: isTrue(theirs, "index.sparse"),
    notices: noticesOf(theirs),
  };
}

async function settingsAt(path: string, { roots, repository, signal }: ListedCheckout): Promise<readonly Setting[]> {
  const own = repository === undefined ? [] : [repository.gitDir.path, repository.common.path];
  const content = await readWithin(path, { roots: [...roots, ...own], maxBytes: maxConfigBytes });
  if (typeof content === "string") throw new PyroError("failed_precondition", `${path} ${content}`);
  return content === undefined ? [] : readSettings(content, signal);
}

/** What git itself would refuse for a repository of a kind that it does not know. */
function checkFormat(settings: readonly Setting[], where: string): void {
  const version = textOf(settings, "core.repositoryformatversion") ?? "0";
  if (!/^[01]$/u.test(version)) throw unknownFormat(where, `the format version ${version}`);
  const storage = textOf(settings, "extensions.refstorage")?.toLowerCase() ?? "files";
  if (storage === "reftable") throw refTable(where);
  if (storage !== "files") throw unknownFormat(where, `its refs in the format ${storage}`);
  // Before version 1 git takes an extension that it does not know for nothing.
  if (version === "0") return;
  const known = new Set([...plainExtensions, "refstorage"]);
  const odd = settings.find(({ section, name }) => section === "extensions" && !known.has(name));
  if (odd !== undefined) throw unknownFormat(where, `the extension ${odd.name}`);
}

function refTable(where: string): PyroError {
  return new PyroError(
    "unsupported",
    `The repository ${where} keeps its refs in a reftable, which git inside cannot read.`,
    {
      hint: "`git refs migrate --ref-format=files` in it makes files of them, where it has no linked worktrees; or seed a clone made with `git clone --ref-format=files`.",
    },
  );
}

function unknownFormat(where: string, what: string): PyroError {
  const shown = JSON.stringify(startOf(what, 100)).slice(1, -1);
  return new PyroError("unsupported", `The repository ${where} has ${shown}, which this version of pyro cannot read.`, {
    hint: "Seed a clone of it that has none, or an export of its files (`git archive`).",
  });
}

interface UserSettings {
  readonly settings: readonly Setting[];
  /** Those that name a file, with its path in full. */
  readonly paths: readonly Setting[];
}

/**
 * The user's own, with their includes for this very repository: `includeIf "gitdir:…"` looks at where it lies. git reads
 * the repository's own configuration in the folder that stands for the shared one, which is ours and has only `seen`.
 */
async function userSettings(checkout: ListedCheckout, folder: string, seen: readonly Setting[]): Promise<UserSettings> {
  const { root, repository, signal } = checkout;
  await writeFile(join(folder, "config"), formatSettings(seen));
  const call = {
    userSettings: true,
    gitDir: repository?.gitDir.path ?? folder,
    workTree: root.path,
    env: { GIT_COMMON_DIR: folder },
    signal,
    answers: [1],
  };
  const ask = async (keys: readonly string[], ...how: readonly string[]) =>
    git({ ...call, args: ["config", "--includes", "--null", ...how, "--get-regexp", `^core\\.(${keys.join("|")})$`] });
  const [listed, paths] = await Promise.all([ask(askedKeys), ask(["excludesfile", "attributesfile"], "--type=path")]);
  return { settings: parseSettings(listed ?? ""), paths: parseSettings(paths ?? "") };
}

function isListed(setting: Setting): boolean {
  return decides.has(keyOfSetting(setting));
}

function isRemoteUrl({ section, subsection, name }: Setting): boolean {
  return section === "remote" && subsection !== undefined && name === "url";
}

function noticesOf(settings: readonly Setting[]): readonly Skipped[] {
  const includes = settings.filter(({ section, name }) => /^include(if)?$/u.test(section) && name === "path");
  const paths = new Set(includes.map(({ value = "" }) => asText(value)));
  return [...paths].slice(0, maxNotices).map((path) => ({
    path: ".git/config",
    reason: `its include of ${path} does not count for what is listed`,
  }));
}

const maxNotices = 20;

function textOf(settings: readonly Setting[], key: string): string | undefined {
  const found = settings.findLast((setting) => keyOfSetting(setting) === key);
  return found === undefined ? undefined : asText(found.value ?? "");
}

function asText(value: string): string {
  return Buffer.from(value, "latin1").toString("utf8");
}

/** As git reads a boolean. */
function isTrue(settings: readonly Setting[], key: string): boolean {
  const found = settings.findLast((setting) => keyOfSetting(setting) === key);
  return found !== undefined && (found.value === undefined || /^(true|yes|on|[1-9][0-9]*)$/iu.test(found.value));
}
