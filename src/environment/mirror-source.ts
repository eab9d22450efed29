// Owns building an environment from a Debian mirror. Never caches, and never decides which mirror that is.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PyroError } from "../base/error.js";
import { maskPasswords } from "../base/mask-passwords.js";
import type { Task } from "../base/progress.js";
import { forGuest, formatDeb822, type AptSource } from "./apt-sources.js";
import { catalogEntry } from "./catalog.js";
import type { EnvironmentSource } from "./environment.js";
import { hostAptOptions } from "./host-apt.js";
import { releaseSources, type SourceGround } from "./release-sources.js";
import { findProgram, missingPrograms, systemPath } from "../base/host-program.js";
import { mirrorProgress } from "./mirror-progress.js";
import { isolated, missingIds } from "./namespace.js";
import { finishScript } from "./mirror-finish.js";
import { writeSquashfs } from "./squashfs.js";

const mergedUsr = "/usr/share/mmdebstrap/hooks/merged-usr";
/** Milliseconds for all of a build: apt waits for ever for a mirror that sends a byte now and then. */
const longestBuildMs = 60 * 60_000;
const unwanted = ["doc/*", "groff/*", "info/*", "linda/*", "lintian/*", "locale/*", "man/*"];

export function mirrorSource(ground: SourceGround, { buildTimeoutMs = longestBuildMs } = {}): EnvironmentSource {
  return {
    name: "mirror",
    async unavailable(name) {
      const missing = await missingPrograms(["mmdebstrap", "sqfstar"]);
      if (missing !== undefined) return missing;
      const ids = await missingIds(AbortSignal.timeout(10_000));
      if (ids !== undefined) return ids;
      const found = await releaseSources(ground, catalogEntry(name).release, AbortSignal.timeout(10_000));
      return "obstacle" in found ? found.obstacle : undefined;
    },
    async build(name, imagePath, task) {
      task.progress({ phase: "resolve", message: "Reading the host's apt sources" });
      const found = await releaseSources(ground, catalogEntry(name).release, task.signal);
      if ("obstacle" in found) throw new PyroError("unavailable", `${name} has no source: ${found.obstacle}`);
      const { sources } = found;
      const late = AbortSignal.timeout(buildTimeoutMs);
      const signal = AbortSignal.any([task.signal, late]);
      return buildFromMirror({ name, imagePath, sources }, { ...task, signal }).catch((error: unknown) => {
        throw late.aborted && !task.signal.aborted ? tooSlow(sources, buildTimeoutMs) : error;
      });
    },
  };
}

function tooSlow(sources: readonly AptSource[], milliseconds: number): PyroError {
  const where = maskPasswords(sources.map(({ uri }) => uri).join(", "));
  return new PyroError("deadline_exceeded", `The mirror took longer than ${milliseconds / 60_000} minutes: ${where}`, {
    hint: "Name a faster mirror in the host's apt sources, then call again.",
  });
}

interface MirrorBuild {
  readonly name: string;
  readonly imagePath: string;
  readonly sources: readonly AptSource[];
}

async function buildFromMirror({ name, imagePath, sources }: MirrorBuild, task: Task) {
  const entry = catalogEntry(name);
  const folder = dirname(imagePath);
  const files = {
    packages: join(folder, "packages"),
    epoch: join(folder, "epoch"),
    sources: join(folder, "guest.sources"),
  };
  const scratch = join(folder, "root");
  await mkdir(scratch);
  await writeFile(files.sources, formatDeb822(sources.filter(isReachable).map(forGuest)));
  const aptOptions = await hostAptOptions(task.signal);
  const bootstrap = [
    await findProgram("mmdebstrap"),
    ...bootstrapArgs(entry.packages, aptOptions),
    entry.release,
    "-",
    "-",
  ];
  const expected = entry.unpackedBytes;
  await writeSquashfs(
    {
      command: await isolated(bootstrap, task.signal),
      env: bootstrapEnv(scratch, files),
      input: formatDeb822(sources),
      epoch: async () => Number(await readFile(files.epoch, "utf8")),
      // The guest mounts a /dev of its own.
      exclude: ["dev/*"],
      onStderrLine: mirrorProgress(task.progress),
      onBytes: (done) =>
        task.progress({
          phase: "image",
          message: `Writing ${entry.name}`,
          unit: "bytes",
          done,
          ...(done <= expected ? { total: expected } : {}),
        }),
    },
    imagePath,
    task.signal,
  );
  const packages = (await readFile(files.packages, "utf8")).trim().split("\n");
  return { env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], packages };
}

/** A folder of the host's is no mirror for a guest. */
function isReachable({ uri }: AptSource): boolean {
  return !uri.startsWith("file:");
}

function bootstrapArgs(packages: readonly string[], aptOptions: readonly string[]): readonly string[] {
  return [
    "--mode=root",
    "--variant=minbase",
    "--format=tar",
    "--verbose",
    // Its own cleaning runs apt once more, whose folders then belong to this or that user.
    "--skip=cleanup/apt",
    `--hook-dir=${mergedUsr}`,
    ...(packages.length === 0 ? [] : [`--include=${packages.join(",")}`]),
    ...unwanted.map((path) => `--dpkgopt=path-exclude=/usr/share/${path}`),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-include=/usr/share/locale/locale.alias",
    ...aptOptions.map((option) => `--aptopt=${option}`),
    `--customize-hook=${finishScript}`,
  ];
}

function bootstrapEnv(scratch: string, files: { packages: string; epoch: string; sources: string }): NodeJS.ProcessEnv {
  const proxies = Object.entries(process.env).filter(([name]) => /^(https?|ftp|no)_proxy$/iu.test(name));
  return {
    ...Object.fromEntries(proxies),
    PATH: systemPath,
    HOME: "/root",
    LC_ALL: "C.UTF-8",
    TMPDIR: scratch,
    PYRO_PACKAGES: files.packages,
    PYRO_EPOCH: files.epoch,
    PYRO_SOURCES: files.sources,
  };
}
