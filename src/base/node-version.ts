// Owns which versions of Node pyro runs on. Uses nothing that an older one lacks.

/** Major and minor; package.json says the same. */
export const oldestNode = "20.19";

/** `version` is without the leading v. */
export function isNodeNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldestNode.split(".").map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}
