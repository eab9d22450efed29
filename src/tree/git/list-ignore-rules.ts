// Owns reading the ignore rules and attributes that lie outside a checkout's files. Never takes a file that content alone leads to.
import { homedir } from "node:os";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { PyroError, hasErrno } from "../../base/error.js";
import { readHostFile } from "../../base/read-host-file.js";
import type { ListSettings } from "./list-settings.js";
import { expandPath, readWithin, realPathOf, type Roots } from "./roots.js";
import type { ListedCheckout } from "./repository.js";
import type { Skipped } from "../seed/listing.js";

export interface RuleFiles {
  /** The copy of core.excludesFile; empty where there is none. */
  readonly excludesFile: string;
  /** What it holds. */
  readonly excludes: Buffer;
  /** The attributes that count least: of the host, of core.attributesFile. */
  readonly attributes: Buffer;
  readonly notices: readonly Skipped[];
}

/** Bytes of a file of rules. */
const maxRuleBytes = 64 * 1024 * 1024;

/** Where git looks for the host's own, but for one that was built into another place. */
const systemAttributes = "/etc/gitattributes";

export async function copyIgnoreRules(
  checkout: ListedCheckout,
  folder: string,
  settings: ListSettings,
): Promise<RuleFiles> {
  const { repository } = checkout;
  const notices: Skipped[] = [];
  const roots =
    repository === undefined ? checkout.roots : [...checkout.roots, repository.gitDir.path, repository.common.path];
  if (repository !== undefined) {
    for (const [owner, name] of [
      [repository.common.path, "info/exclude"],
      [repository.gitDir.path, "info/sparse-checkout"],
    ] as const) {
      const content = await readWithin(join(owner, name), { roots, maxBytes: maxRuleBytes });
      if (typeof content === "string") notices.push({ path: `.git/${name}`, reason: content });
      else if (content !== undefined) await writeFile(join(folder, name), content);
    }
  }
  const rules = async (kind: "excludes" | "attributes", usual: string): Promise<Buffer> => {
    const { repository: theirs, user } = settings[kind];
    const named = theirs === undefined ? undefined : await readNamed(expandPath(theirs, checkout.root.path), roots);
    if (typeof named === "string") notices.push({ path: ".git/config", reason: `core.${kind}File ${named}` });
    const honoured = theirs !== undefined && typeof named !== "string";
    const content = honoured ? named : await userRules(user === undefined ? usual : resolve(checkout.root.path, user));
    return content ?? Buffer.alloc(0);
  };
  const excludes = await rules("excludes", join(userConfigFolder(), "ignore"));
  const [system, own] = [
    await userRules(systemAttributes),
    await rules("attributes", join(userConfigFolder(), "attributes")),
  ];
  const attributes = system === undefined ? own : Buffer.concat([system, Buffer.from("\n"), own]);
  const excludesFile = join(folder, "excludes");
  await writeFile(excludesFile, excludes);
  return { excludesFile, excludes, attributes, notices };
}

function userConfigFolder(): string {
  const home = process.env["HOME"] ?? homedir();
  const config = process.env["XDG_CONFIG_HOME"];
  return join(config === undefined || config === "" ? join(home, ".config") : config, "git");
}

/** The user's own file, which they may have linked to wherever they like. */
async function userRules(path: string): Promise<Buffer | undefined> {
  const real = await realPathOf(path);
  if (real === undefined) return undefined;
  try {
    return await readHostFile(real, { maxBytes: maxRuleBytes });
  } catch (error) {
    // /dev/null is how one says: none.
    if (error instanceof PyroError && error.code === "failed_precondition") return undefined;
    if (hasErrno(error, "ENOENT") || hasErrno(error, "EACCES")) return undefined;
    throw error;
  }
}

async function readNamed(path: string | undefined, roots: Roots): Promise<Buffer | string | undefined> {
  if (path === undefined) return "names another user's folder, which is not honoured";
  return readWithin(path, { roots, maxBytes: maxRuleBytes });
}
