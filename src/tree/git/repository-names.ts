// Owns which names make a folder a repository to git, however they are spelled. Never touches a file system.

/** What git looks for in a folder to take it for a repository; `head` with the rest of a set makes one. */
export type RepositoryPart = "head" | "objects" | "refs" | "commondir";

export const repositoryParts: readonly RepositoryPart[] = ["head", "objects", "refs", "commondir"];

/** The names by which git itself asks for the parts. */
export const partNames: Readonly<Record<RepositoryPart, string>> = {
  head: "HEAD",
  objects: "objects",
  refs: "refs",
  commondir: "commondir",
};

/**
 * One form for all names, of one character per byte, that some file system takes for the same: letter case, characters
 * that are not seen, and the dots, spaces and stream names that FAT and NTFS drop.
 */
export function foldName(name: string): string {
  const isAscii = /^[\x20-\x7e]*$/u.test(name);
  const folded = isAscii ? name.toLowerCase() : foldText(Buffer.from(name, "latin1").toString("utf8"));
  return folded.replace(/:.*$/su, "").replace(/[. ]+$/u, "");
}

function foldText(name: string): string {
  const seen = name.replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "");
  // Upper case first: it has the long s with the others.
  return seen.toUpperCase().toLowerCase();
}

/** `.git`, also by the short name that FAT and NTFS give it. */
export function isGitName(name: string): boolean {
  const folded = foldName(name);
  return folded === ".git" || folded === "git~1";
}

export function repositoryPart(name: string): RepositoryPart | undefined {
  const folded = foldName(name);
  return repositoryParts.find((part) => part === folded);
}

/** Whether git would look further into a folder that has these; what is in them does not count. */
export function isRepository(parts: ReadonlySet<RepositoryPart>): boolean {
  return parts.has("head") && ((parts.has("objects") && parts.has("refs")) || parts.has("commondir"));
}
