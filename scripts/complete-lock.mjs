// Adds to package-lock.json the optional packages for other platforms that the registry at hand did not have: without them
// `npm ci` refuses the lock. They are never installed here, so they carry no digest. Run it after each npm install.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./step.mjs";

const SYSTEMS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const PROCESSORS = new Map([
  ["aarch64", "arm64"],
  ["armv7", "arm"],
  ["x86_64", "x64"],
  ...["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"].map((name) => [
    name,
    name,
  ]),
]);

const path = join(root, "package-lock.json");
const lock = JSON.parse(readFileSync(path, "utf8"));
const added = [];
for (const [parent, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined || lock.packages[`${parent}/${key}`] !== undefined) continue;
    const platform = platformOf(name);
    if (platform === undefined) throw new Error(`${name}, optional for ${parent}, names no other platform: install it`);
    lock.packages[key] = { version, ...platform, ...(entry.dev === true ? { dev: true } : {}), optional: true };
    added.push(name);
  }
}
const [self, ...others] = Object.entries(lock.packages);
lock.packages = Object.fromEntries([self, ...others.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
if (added.length > 0) writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`);
process.stdout.write(`${added.length} entries added to package-lock.json\n`);

/** What a platform package runs on, read from its name. */
function platformOf(name) {
  const words = name.split(/[/-]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = words.map((word) => PROCESSORS.get(word)).find((found) => found !== undefined);
  const libc = words.some((word) => word.startsWith("musl")) ? { libc: ["musl"] } : {};
  if (os === undefined || cpu === undefined || (os === "linux" && cpu === "x64" && libc.libc === undefined))
    return undefined;
  return { ...libc, cpu: [cpu], os: [os] };
}
