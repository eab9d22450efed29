// Owns writing the files of an export into its staging folder, by paths that were checked before. Never replaces or follows anything.
import { constants } from "node:fs";
import { type FileHandle, link, lutimes, mkdir, open, symlink } from "node:fs/promises";

interface Attributes {
  readonly mode: number;
  /** Seconds since 1970; left as it is when undefined. */
  readonly mtime: number | undefined;
}

const permissionBits = 0o777;
/** Latest time that every usual file system holds, in seconds; a guest may state any. */
const maxTime = 2 ** 33;
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export class ExportWriter {
  readonly #root: Buffer;
  readonly #folders = new Map<string, Attributes>();
  #rootHandle: FileHandle | undefined;
  #file: { readonly handle: FileHandle; readonly attributes: Attributes } | undefined;

  /** Paths are relative to `root`, one character per byte; "" is the root itself. */
  constructor(root: string) {
    this.#root = Buffer.from(root);
  }

  async folder(path: string): Promise<void> {
    await mkdir(this.#place(path), { mode: 0o700 });
  }

  /** Set at the end: until then the folder must let its content in. */
  folderAttributes(path: string, attributes: Attributes): void {
    this.#folders.set(path, attributes);
  }

  async startFile(path: string, attributes: Attributes): Promise<void> {
    this.#file = { handle: await open(this.#place(path), createFlags, 0o600), attributes };
  }

  /** Otherwise content is of what is left out. */
  get isInFile(): boolean {
    return this.#file !== undefined;
  }

  /** Content of the file started last; dropped when it was no file. */
  async write(piece: Buffer): Promise<void> {
    await this.#file?.handle.writeFile(piece);
  }

  async endFile(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    await using handle = file.handle;
    await handle.chmod(file.attributes.mode & permissionBits);
    if (file.attributes.mtime !== undefined)
      await handle.utimes(clamp(file.attributes.mtime), clamp(file.attributes.mtime));
  }

  async symlink(path: string, target: string, mtime: number): Promise<void> {
    await symlink(Buffer.from(target, "latin1"), this.#place(path));
    await lutimes(this.#place(path), clamp(mtime), clamp(mtime));
  }

  async hardLink(path: string, existing: string): Promise<void> {
    await link(this.#place(existing), this.#place(path));
  }

  /** Modes and times of folders, the inner ones first; the root has to stay open until it is where it belongs. */
  async finish(): Promise<void> {
    for (const [path, attributes] of [...this.#folders].toSorted(([a], [b]) => b.length - a.length)) {
      if (path !== "") await setAttributes(await openFolder(this.#place(path)), attributes);
    }
    if (this.#folders.has("")) this.#rootHandle = await openFolder(this.#root);
  }

  /** The same for the root, wherever it is by now: a folder that is not writable cannot be moved. */
  async finishRoot(): Promise<void> {
    const attributes = this.#folders.get("");
    const handle = this.#rootHandle;
    this.#rootHandle = undefined;
    if (attributes !== undefined && handle !== undefined) await setAttributes(handle, attributes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.handle.close();
    await this.#rootHandle?.close();
  }

  #place(path: string): Buffer {
    return path === "" ? this.#root : Buffer.concat([this.#root, Buffer.from("/"), Buffer.from(path, "latin1")]);
  }
}

async function openFolder(folder: Buffer): Promise<FileHandle> {
  return open(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

async function setAttributes(folder: FileHandle, { mode, mtime }: Attributes): Promise<void> {
  await using handle = folder;
  if (mtime !== undefined) await handle.utimes(clamp(mtime), clamp(mtime));
  await handle.chmod(mode & permissionBits);
}

function clamp(seconds: number): number {
  return Math.min(Math.max(seconds, 0), maxTime);
}
