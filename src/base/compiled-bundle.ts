// Owns running a bundle of ours with what V8 made of it at an earlier start. Never uses compiled code that another user could have written.
import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, readdirSync } from "node:fs";
import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import * as vm from "node:vm";
import * as zlib from "node:zlib";
import { resolvePaths } from "./paths.js";

export interface LoadedBundle {
  readonly exports: unknown;
  /** Keeps what is compiled by now for the next start. Best called when the work that is worth it is done. */
  keep(): void;
}

/** V8 looks at the length of the source and not at its text: the bundler writes a digest of it into the first line. */
const digestLine = /^\/\/ ([0-9a-f]{16})\n/u;
/** Bytes before the compiled code: the bundle's digest, then a checksum, since V8 itself runs into whatever it is given. */
const headerBytes = 32;
const digestBytes = 16;
/** Several times what the largest bundle comes to. */
const maxBytes = 16 * 1024 * 1024;
/** Milliseconds after which what another version of Node or a bundle that is gone left here is removed. */
const maxAgeMs = 30 * 24 * 60 * 60 * 1000;

/** Runs the CommonJS bundle; throws what it throws, and never for the sake of what is kept. */
export function runBundle(path: string, env: NodeJS.ProcessEnv = process.env): LoadedBundle {
  const source = readFileSync(path, "latin1");
  const digest = digestLine.exec(source)?.[1];
  const name = `${basename(path)}-${process.version}`;
  const cachedData = digest === undefined ? undefined : attempt(() => readKept(env, name, digest));
  const script = new vm.Script(source, {
    filename: path,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  // The bundler wraps the bundle as Node wraps a CommonJS module.
  const wrapped = script.runInThisContext() as (...args: unknown[]) => void;
  const module: { exports: unknown } = { exports: {} };
  wrapped.call(module.exports, module.exports, createRequire(path), module, path, dirname(path));
  let isKept = cachedData !== undefined && script.cachedDataRejected !== true;
  return {
    exports: module.exports,
    keep: () => {
      if (digest !== undefined && !isKept) attempt(() => writeKept(env, name, { digest, script }));
      isKept = true;
    },
  };
}

/** Everything works without it, a little later. */
function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function readKept(env: NodeJS.ProcessEnv, name: string, digest: string): Buffer | undefined {
  return inFolder(env, (folder) => {
    const fd = openSync(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile() || !isOwn(stat) || stat.size <= headerBytes || stat.size > maxBytes) return undefined;
      const bytes = readFileSync(fd);
      const code = bytes.subarray(headerBytes);
      const isWhole =
        bytes.toString("latin1", 0, digestBytes) === digest && bytes.readUInt32LE(digestBytes) === zlib.crc32(code);
      return isWhole ? code : undefined;
    } finally {
      closeSync(fd);
    }
  });
}

function writeKept(
  env: NodeJS.ProcessEnv,
  name: string,
  { digest, script }: { readonly digest: string; readonly script: vm.Script },
): void {
  const code = script.createCachedData();
  const header = Buffer.alloc(headerBytes);
  header.write(digest, "latin1");
  header.writeUInt32LE(zlib.crc32(code), digestBytes);
  inFolder(env, (folder) => {
    const path = join(folder, name);
    const part = `${path}.${process.pid}`;
    writeFileSync(part, Buffer.concat([header, code]), { flag: "wx", mode: 0o600 });
    renameSync(part, path);
    removeOld(folder);
  });
}

function removeOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (Date.now() - statSync(path).mtimeMs > maxAgeMs) rmSync(path, { recursive: true });
  }
}

/** Calls `work` with a name for the folder that stays the same folder; does nothing before pyro has made its cache folder. */
function inFolder<Value>(env: NodeJS.ProcessEnv, work: (folder: string) => Value): Value | undefined {
  const folder = join(resolvePaths(env).cache, "compiled");
  const cache = openOwn(dirname(folder));
  try {
    const inCache = `/proc/self/fd/${cache}/compiled`;
    attempt(() => mkdirSync(inCache, { mode: 0o700 }));
    const own = openOwn(inCache);
    try {
      return work(`/proc/self/fd/${own}`);
    } finally {
      closeSync(own);
    }
  } finally {
    closeSync(cache);
  }
}

/** Of a folder that no other user can write to or look into. */
function openOwn(folder: string): number {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const stat = fstatSync(fd);
  if (isOwn(stat) && (stat.mode & 0o077) === 0) return fd;
  closeSync(fd);
  throw new Error(`${folder} is open to others`);
}

function isOwn({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  return uid === process.geteuid?.() && (mode & 0o022) === 0;
}
