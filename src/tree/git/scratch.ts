// Owns a repository folder of ours that stands for a checkout's: its index and objects, and of its settings only what lists need. Never runs what they name.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PyroError } from "../../base/error.js";
import { descriptorPath } from "../../base/host-roots.js";
import { git, type GitCall } from "./command.js";
import { copyIgnoreRules, type RuleFiles } from "./list-ignore-rules.js";
import type { ListedCheckout, Repository } from "./repository.js";
import { listSettingsOf, type ListSettings } from "./list-settings.js";
import { formatSettings, type Setting } from "./settings.js";
import { findBelow, type HostFolder } from "../seed/host-folder.js";
import type { Skipped } from "../seed/listing.js";
import type { ByteString } from "../tar/entry.js";

export interface GitScratch extends AsyncDisposable {
  /** Runs git on the checkout. */
  git(call: ScratchCall & { readonly answers?: never }): Promise<ByteString>;
  git(call: ScratchCall): Promise<ByteString | undefined>;
  readonly settings: Pick<ListSettings, "isPartial" | "sparseIndex" | "carried">;
  /** The rules that count besides those of the checkout and its repository. */
  readonly rules: Pick<RuleFiles, "excludes" | "attributes">;
  /** What of its rules could not be honoured. Paths are relative to the checkout's root. */
  readonly notices: readonly Skipped[];
}

export interface ScratchCall extends Pick<GitCall, "args" | "input" | "answers"> {
  /** Ends this call; that of the checkout when absent. */
  readonly signal?: AbortSignal;
}

/** Of memory, for a list of some ten million files: what has no end is not read for ever. */
const maxMemoryBytes = 4 * 1024 ** 3;

/** Split indices that lie beside one; git keeps few. */
const maxSharedIndices = 1000;

export async function openScratch(checkout: ListedCheckout): Promise<GitScratch> {
  await mkdir(checkout.scratch, { recursive: true, mode: 0o700 });
  const folder = join(checkout.scratch, `${scratchPrefix}${randomBytes(8).toString("hex")}`);
  const dispose = async () => rm(folder, { recursive: true, force: true });
  try {
    for (const name of ["", "refs", "objects", "info"]) await mkdir(join(folder, name), { mode: 0o700 });
    await writeFile(join(folder, "HEAD"), "ref: refs/heads/none\n");
    const settings = await listSettingsOf(checkout, folder);
    const rules = await copyIgnoreRules(checkout, folder, settings);
    if (checkout.repository !== undefined) await takeIndex(checkout.repository, folder);
    await writeConfig(folder, settings, rules);
    return {
      git: callIn(checkout, folder),
      settings,
      rules,
      notices: [...settings.notices, ...rules.notices],
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** How the names of scratch folders begin; those that a killed process left behind are removed by age. */
export const scratchPrefix = "git-";

async function writeConfig(folder: string, settings: ListSettings, rules: RuleFiles): Promise<void> {
  const value = Buffer.from(rules.excludesFile).toString("latin1");
  const excludes: Setting = { section: "core", subsection: undefined, name: "excludesfile", value };
  await writeFile(join(folder, "config"), formatSettings([...settings.kept, excludes]));
}

function callIn({ root, repository, signal }: ListedCheckout, folder: string): GitScratch["git"] {
  const theirs =
    repository === undefined
      ? {}
      : {
          GIT_INDEX_FILE: join(repository.gitDir.path, "index"),
          GIT_OBJECT_DIRECTORY: join(repository.common.path, "objects"),
        };
  const place = { signal, gitDir: folder, workTree: root.path, env: theirs, maxMemoryBytes };
  async function run(call: ScratchCall & { readonly answers?: never }): Promise<ByteString>;
  async function run(call: ScratchCall): Promise<ByteString | undefined>;
  async function run(call: ScratchCall): Promise<ByteString | undefined> {
    return git({ ...place, ...call });
  }
  return run;
}

/** The index is theirs; git looks for the ones that it is split from beside our configuration. */
async function takeIndex({ gitDir, common }: Repository, folder: string): Promise<void> {
  const names = await readdir(descriptorPath(gitDir));
  const shared = names.filter((name) => /^sharedindex\.[0-9a-f]+$/u.test(name)).slice(0, maxSharedIndices);
  for (const name of ["index", ...shared]) await requireFile(gitDir, name);
  await requireFile(common, "objects/info/alternates");
  for (const name of shared) await symlink(join(gitDir.path, name), join(folder, name));
}

/** git would wait at a pipe. */
async function requireFile(folder: HostFolder, name: string): Promise<void> {
  await using found = await findBelow(folder, name);
  if (found === undefined || found.kind === "file") return;
  throw new PyroError("failed_precondition", `${folder.path}/${name} is no regular file.`, {
    hint: "Put git's own file back, or remove it: `git reset` makes an index anew.",
  });
}
