// Owns the line that takes a patch on the host: where git stands, where the patch's names begin, what it must not run. Never runs it.
import { lstat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { shellWord } from "../../base/shell-word.js";

export interface HostPlace {
  /** Where git stands: names in a patch are read from the top of a checkout. */
  readonly root: string;
  /** Of the seed's folder in it; empty for the whole. */
  readonly prefix: string;
}

/** Where git finds itself in a folder: the nearest checkout above on the same file system, else the folder alone. Undefined for none. */
export async function hostPlace(folder: string): Promise<HostPlace | undefined> {
  const own = await lstat(folder).catch(() => undefined);
  if (own?.isDirectory() !== true) return undefined;
  for (let root = folder; ; root = dirname(root)) {
    const above = await lstat(root).catch(() => undefined);
    if (above?.dev !== own.dev) break;
    if (await isTop(root)) return { root, prefix: relative(root, folder) };
    if (root === dirname(root)) break;
  }
  return { root: folder, prefix: "" };
}

/** A folder named `.git` is no repository by its name alone. */
async function isTop(folder: string): Promise<boolean> {
  const git = await lstat(join(folder, ".git")).catch(() => undefined);
  if (git?.isDirectory() !== true) return git?.isFile() === true;
  return (await lstat(join(folder, ".git/HEAD")).catch(() => undefined)) !== undefined;
}

export interface Application {
  readonly place: HostPlace | undefined;
  /** Filters of the attributes: what content names is no program to run. */
  readonly filters: readonly string[];
}

/** Reads the patch from its standard input, from wherever it is called; without a place, in the folder of the files. */
export function applyLine({ place, filters }: Application): string {
  const words = [
    "git",
    ...(place === undefined ? [] : ["-C", place.root]),
    ...filters.filter((name) => plainName.test(name)).flatMap(switchOff),
    "apply",
    "--whitespace=nowarn",
    ...(place === undefined || place.prefix === "" ? [] : [`--directory=${place.prefix}`]),
  ];
  return words.map(shellWord).join(" ");
}

const plainName = /^[\w.-]{1,64}$/u;

/** The patch has the bytes of the files themselves: nothing of them is to go through the filter. */
function switchOff(name: string): readonly string[] {
  const settings = ["clean=", "smudge=", "process=", "required=false"];
  return settings.flatMap((setting) => ["-c", `filter.${name}.${setting}`]);
}
