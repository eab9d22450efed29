// Owns which conversion git gives to each path that a patch reads or writes: by the attributes and settings before it. Never converts.
import { Turns } from "../../base/in-turns.js";
import { type BytePath, baseName, foldersAbove, joinPath, parentPath, rootPath, trustedPath } from "../byte-path.js";
import { type AttributeFile, type PlacedFile, attributesOf, parseAttributes } from "./attributes.js";
import { type Conversion, type ConversionSettings, conversionOf, noSettings } from "./conversion.js";
import { conversionSettings } from "./conversion-settings.js";
import { type Effort, maxIgnoreFileBytes } from "./ignore-rules.js";

export interface Conversions {
  /** Of a file that is there before. */
  reading(path: BytePath): Promise<Conversion>;
  /** Of a file that the patch makes. */
  writing(path: BytePath): Promise<Conversion>;
  readonly settings: ConversionSettings;
}

/** What a patch does to one file; links are neither read nor written so. */
export interface TouchedFile {
  readonly paths: readonly BytePath[];
  /** The regular file that git reads for it. */
  readonly read: BytePath | undefined;
  /** The regular file that git writes for it. */
  readonly written: BytePath | undefined;
}

export interface PatchedCheckout {
  /** A regular file as it is before the patch; undefined where there is none, or a larger one. */
  read(path: BytePath, maxBytes: number): Promise<Buffer | undefined>;
  /** In the patch's order. */
  readonly files: readonly TouchedFile[];
  readonly signal: AbortSignal;
}

/** Steps of matching: about half a second, whatever is written into .gitattributes files. */
const maxSteps = 20_000_000;
const maxConfigBytes = 1024 * 1024;
const attributesName = ".gitattributes";
const noFile: AttributeFile = { rules: [], macros: new Map() };

export async function openConversions({ read, files, signal }: PatchedCheckout): Promise<Conversions> {
  const config = await read(trustedPath(".git/config"), maxConfigBytes);
  const settings = config === undefined ? noSettings : await conversionSettings(config, signal);
  const known = new Map<BytePath, Promise<AttributeFile>>();
  const fileAt = async (path: BytePath, isTop: boolean): Promise<AttributeFile> => {
    const found = known.get(path) ?? parsed(await read(path, maxIgnoreFileBytes), isTop);
    known.set(path, Promise.resolve(found));
    return found;
  };
  const isReplaced = replacedFolders(files);
  const effort: Effort = { left: maxSteps };
  const turns = new Turns();
  const convert = async (path: BytePath, isThere: (folder: BytePath) => boolean): Promise<Conversion> => {
    const placed: PlacedFile[] = [{ file: await fileAt(trustedPath(".git/info/attributes"), true), below: path }];
    for (const folder of [...foldersAbove(path), rootPath]) {
      const below = folder === rootPath ? path : path.slice(folder.length + 1);
      if (!isThere(folder)) continue;
      placed.push({ file: await fileAt(joinPath(folder, attributesName), folder === rootPath), below });
    }
    // Matching takes long where somebody wants it to.
    if (turns.due()) await turns.pause();
    signal.throwIfAborted();
    const users = settings.attributesFile;
    if (users !== undefined) placed.push({ file: await fileAt(trustedPath(users), true), below: path });
    return conversionOf(attributesOf(placed, effort), settings);
  };
  return {
    reading: async (path) => convert(path, () => true),
    writing: async (path) => convert(path, (folder) => !isReplaced(folder)),
    settings,
  };
}

/** Where git converts nothing, as outside of a checkout. */
export function noConversions(): Conversions {
  const none = async (): Promise<Conversion> => Promise.resolve(conversionOf(new Map(), noSettings));
  return { reading: none, writing: none, settings: noSettings };
}

function parsed(content: Buffer | undefined, isTop: boolean): AttributeFile {
  return content === undefined ? noFile : parseAttributes(content.toString("latin1"), isTop);
}

/**
 * The top's attributes count as they were before the patch: git has read them by then. Those of a folder below are read
 * again when git comes back to it from elsewhere, and what the patch changes of them is gone then, and not written yet.
 */
function replacedFolders(files: readonly TouchedFile[]): (folder: BytePath) => boolean {
  const replaced = new Set<BytePath>();
  for (const path of files.flatMap(({ paths }) => paths)) {
    const folder = parentPath(path);
    if (baseName(path) === attributesName && folder !== undefined && folder !== rootPath) replaced.add(folder);
  }
  // It reads all that it will change before it writes; without any, the names alone.
  const lastRead = files.findLast(({ read }) => read !== undefined)?.read ?? files.at(-1)?.paths.at(-1) ?? rootPath;
  const firstWritten = files.find(({ written }) => written !== undefined)?.written ?? rootPath;
  const stays = (folder: BytePath): boolean => [lastRead, firstWritten].every((path) => path.startsWith(`${folder}/`));
  return (folder) => replaced.has(folder) && !stays(folder);
}
