// Owns the set of workspaces of this user: loading, finding, listing. Never changes what one holds.
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { removeDrafts } from "../../base/atomic-file.js";
import { crashPoint } from "../../base/crash-point.js";
import { PyroError } from "../../base/error.js";
import { readRecordFile, type FoundRecord } from "../../base/record-file.js";
import { call, say } from "../../base/say.js";
import { refuseNewer, type NewerRecord } from "../../base/stored-record.js";
import { workspaceName, workspaceRecordKind, type WorkspaceRecord } from "./record.js";
import { workspaceFiles } from "./files.js";
import { Workspace } from "../workspace.js";

export interface Quarantined {
  /** Folder name that could not be read as a workspace. */
  readonly id: string;
  readonly reason: string;
}

/** One that a newer pyro wrote: left in its place, whole, and refused. */
export interface NewerWorkspace {
  readonly id: string;
  /** Null where no name can be made out. */
  readonly name: string | null;
  /** The machine it says it has; null where none can be made out. */
  readonly machineId: string | null;
  readonly format: number;
  readonly reason: string;
}

export class WorkspaceStore {
  readonly root: string;
  readonly #quarantine: string;
  readonly #workspaces = new Map<string, Workspace>();
  readonly #newer = new Map<string, NewerWorkspace>();
  #quarantined: readonly Quarantined[] = [];

  private constructor(stateFolder: string) {
    this.root = join(stateFolder, "workspaces");
    this.#quarantine = join(stateFolder, "quarantine");
  }

  /** Reads all records; one that cannot be read is moved aside and reported, its files kept; one of a newer pyro stays where it is. */
  static async open(stateFolder: string): Promise<WorkspaceStore> {
    const store = new WorkspaceStore(stateFolder);
    await mkdir(store.root, { recursive: true, mode: 0o700 });
    const loaded = await Promise.all((await readdir(store.root)).map((id) => store.#load(id)));
    store.#quarantined = loaded.filter((each) => each !== undefined);
    return store;
  }

  get quarantined(): readonly Quarantined[] {
    return this.#quarantined;
  }

  get newer(): readonly NewerWorkspace[] {
    return [...this.#newer.values()].sort((a, b) => a.id.localeCompare(b.id));
  }

  all(): readonly Workspace[] {
    return [...this.#workspaces.values()].sort((a, b) => a.record.created_at.localeCompare(b.record.created_at));
  }

  /** By id, unique prefix of an id, or name; `not_found` and ambiguous prefixes say what there is. */
  find(reference: string): Workspace {
    const exact = this.#workspaces.get(reference) ?? this.all().find((each) => each.record.name === reference);
    if (exact !== undefined) return exact;
    const matches = reference.length >= 3 ? this.all().filter((each) => each.id.startsWith(reference)) : [];
    const [only, ...others] = matches;
    if (only !== undefined && others.length === 0) return only;
    if (only !== undefined) {
      const ids = matches.map((each) => each.id).join(", ");
      throw new PyroError("invalid_argument", `${JSON.stringify(reference)} could be any of ${ids}.`);
    }
    this.#refuseNewer(reference);
    const known = this.all().map((each) => each.record.name ?? each.id);
    throw new PyroError("not_found", `There is no workspace ${JSON.stringify(reference)}.`, {
      hint:
        known.length === 0
          ? say`Make one by ${call("workspace_create")}.`
          : `There are: ${known.slice(0, 20).join(", ")}.`,
    });
  }

  /** Refuses a name that another workspace has. */
  checkNameIsFree(name: string, except?: Workspace): void {
    const other =
      this.all().find((each) => each !== except && each.record.name === name) ??
      this.newer.find((each) => each.name === name);
    if (other === undefined) return;
    throw new PyroError("already_exists", `The name ${name} is taken by ${other.id}.`, {
      hint: "Choose another name, or delete that workspace first.",
    });
  }

  add(workspace: Workspace): void {
    this.#workspaces.set(workspace.id, workspace);
  }

  /** Forgets it and removes its folder; a crash in between leaves a folder that the next open removes. */
  async remove(workspace: Workspace): Promise<void> {
    this.#workspaces.delete(workspace.id);
    const doomed = `${workspace.files.folder}.deleted`;
    await rename(workspace.files.folder, doomed).catch(() => undefined);
    crashPoint("workspace renamed away");
    await rm(doomed, { recursive: true, force: true });
    await rm(workspace.files.folder, { recursive: true, force: true });
  }

  async #load(id: string): Promise<Quarantined | undefined> {
    const files = workspaceFiles(this.root, id);
    if (id.endsWith(".deleted")) {
      await rm(files.folder, { recursive: true, force: true });
      return undefined;
    }
    if (await isUnbegun(files.folder)) {
      await rm(files.folder, { recursive: true, force: true });
      return undefined;
    }
    await removeDrafts(files.folder, { olderThanMs: 0 });
    const found = await readRecordFile(workspaceRecordKind, files.record);
    if (found.kind === "newer") {
      this.#newer.set(id, newerWorkspace(id, found));
      return undefined;
    }
    if (found.kind === "readable" && found.value.id === id) {
      this.#workspaces.set(id, new Workspace(found.value, files));
      return undefined;
    }
    return this.#moveAside(id, complaintAbout(found));
  }

  async #moveAside(id: string, reason: string): Promise<Quarantined> {
    await mkdir(this.#quarantine, { recursive: true, mode: 0o700 });
    await rename(join(this.root, id), join(this.#quarantine, `${id}.${Date.now()}`));
    return { id, reason };
  }

  #refuseNewer(reference: string): void {
    const found = this.newer.find(
      ({ id, name }) => name === reference || (reference.length >= 3 && id.startsWith(reference)),
    );
    if (found !== undefined) throw refuseNewer(`Workspace ${found.id}`, found);
  }
}

function complaintAbout(found: Exclude<FoundRecord<WorkspaceRecord>, NewerRecord>): string {
  if (found.kind === "absent") return "there is no record";
  return found.kind === "garbled" ? found.reason : `the record is of ${found.value.id}`;
}

/** Name and machine are taken only where they look like what they are today. */
function newerWorkspace(id: string, { format, reason, fields }: NewerRecord): NewerWorkspace {
  const name = workspaceName.safeParse(fields["name"]);
  const machineId = z.string().safeParse(fields["machine_id"]);
  return { id, format, reason, name: name.data ?? null, machineId: machineId.data ?? null };
}

/** A daemon was killed between making the folder and writing the record: nothing was ever in it. */
async function isUnbegun(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => undefined);
  return names?.every((name) => name.startsWith("workspace.json.") && name.endsWith(".tmp")) ?? false;
}
