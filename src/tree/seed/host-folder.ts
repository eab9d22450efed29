// Owns the folders of the host that a seed is made from: each opened once, judged then, closed with the rest. Never lists.
import { descriptorPath, openEntry, openWithin, type HostPathJudge, type OpenedPath } from "../../base/host-roots.js";
import { readHostFile, type ReadLimits } from "../../base/read-host-file.js";
import { PyroError, hasErrno } from "../../base/error.js";
import type { ByteString } from "../tar/entry.js";

/** A folder that stays the same one while it is open, whatever takes its name. */
export type HostFolder = OpenedPath;

/** Why a path below a folder is not there for us, as the kernel says it. */
const absent = ["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG"];

export class HostFolders implements AsyncDisposable {
  readonly #opened: OpenedPath[] = [];
  #disposed = false;

  /** Of a path that the caller or the user named; undefined where no folder is. */
  async open(path: string, judge: HostPathJudge): Promise<HostFolder | undefined> {
    return this.#folder(openWithin(path, judge));
  }

  /** Of a name that was listed or read: never through a link. */
  async below(folder: HostFolder, path: ByteString): Promise<HostFolder | undefined> {
    if (path === "") return folder;
    return this.#folder(openBelow(folder, path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await Promise.all(this.#opened.splice(0).map(async (each) => each[Symbol.asyncDispose]()));
  }

  async #folder(opening: Promise<OpenedPath>): Promise<HostFolder | undefined> {
    const opened = await opening.catch(nothingWhereAbsent);
    if (opened === undefined) return undefined;
    if (this.#disposed) {
      await opened[Symbol.asyncDispose]();
      throw new PyroError("canceled", "The listing has ended.");
    }
    this.#opened.push(opened);
    return opened.kind === "directory" ? opened : undefined;
  }
}

/** What lies at `path` below the folder, no link followed; undefined where nothing is that this user may reach. */
export async function findBelow(folder: HostFolder, path: ByteString): Promise<OpenedPath | undefined> {
  return openBelow(folder, path).catch(nothingWhereAbsent);
}

/** The content of a regular file below the folder, no link followed; undefined where none is that may be read. */
export async function readBelow(folder: HostFolder, path: ByteString, limits: ReadLimits): Promise<Buffer | undefined> {
  const slash = path.lastIndexOf("/");
  const [above, name] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
  await using parent = above === "" ? undefined : await findBelow(folder, above);
  if (above !== "" && parent?.kind !== "directory") return undefined;
  const place = Buffer.from(`${descriptorPath(parent ?? folder)}/${name}`, "latin1");
  try {
    return await readHostFile(place, limits);
  } catch (error) {
    // No regular file.
    if (error instanceof PyroError && error.code === "failed_precondition") return undefined;
    return nothingWhereAbsent(error);
  }
}

async function openBelow(folder: HostFolder, path: ByteString): Promise<OpenedPath> {
  const names = path.split("/").map((name) => Buffer.from(name, "latin1"));
  let found: OpenedPath | undefined;
  for (const name of names) {
    const above: OpenedPath | undefined = found;
    try {
      found = await openEntry(above ?? folder, name);
    } finally {
      await above?.[Symbol.asyncDispose]();
    }
  }
  if (found === undefined) throw new PyroError("internal", "A path below a folder has no name.");
  return found;
}

function nothingWhereAbsent(error: unknown): undefined {
  if (absent.some((code) => hasErrno(error, code))) return undefined;
  throw error;
}
