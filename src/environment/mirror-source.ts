// Owns building an environment from the Debian mirror that the host's own apt is set up with. Never caches.
import { readFile, mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PyroError } from "../base/error.js";
import type { Task } from "../base/progress.js";
import { runProgram } from "../base/spawn.js";
import { forGuest, formatDeb822, readAptSources, selectDebian, type AptSource } from "./apt-sources.js";
import { catalogEntry } from "./catalog.js";
import type { EnvironmentSource } from "./environment.js";
import { findProgram, missingPrograms, systemPath } from "./host-program.js";
import { mirrorProgress } from "./mirror-progress.js";
import { isolated, missingIds } from "./namespace.js";
import { finishScript } from "./mirror-finish.js";
import { writeSquashfs } from "./squashfs.js";

const codename = "bookworm";
const mergedUsr = "/usr/share/mmdebstrap/hooks/merged-usr";
const unwanted = ["doc/*", "groff/*", "info/*", "linda/*", "lintian/*", "locale/*", "man/*"];

/** `aptFolder` is where the host's apt keeps its configuration: /etc/apt. */
export function mirrorSource(aptFolder: string): EnvironmentSource {
  return {
    name: "mirror",
    async unavailable(name) {
      if (!name.startsWith("debian:12")) return `the Debian mirror does not have ${name}`;
      const missing = await missingPrograms(["mmdebstrap", "sqfstar"]);
      if (missing !== undefined) return missing;
      const ids = await missingIds(AbortSignal.timeout(10_000));
      if (ids !== undefined) return ids;
      if ((await debianSources(aptFolder, AbortSignal.timeout(10_000))).length > 0) return undefined;
      return `the host's apt has no source for Debian ${codename} main in ${aptFolder}/sources.list or sources.list.d; add one`;
    },
    async build(name, imagePath, task) {
      task.progress({ phase: "resolve", message: "Reading the host's apt sources" });
      const sources = await debianSources(aptFolder, task.signal);
      return buildFromMirror(name, imagePath, sources, task);
    },
  };
}

async function buildFromMirror(name: string, imagePath: string, sources: readonly AptSource[], task: Task) {
  const entry = catalogEntry(name);
  const folder = dirname(imagePath);
  const files = { packages: join(folder, "packages"), sources: join(folder, "guest.sources") };
  const scratch = join(folder, "root");
  await mkdir(scratch);
  await writeFile(files.sources, formatDeb822(sources.map(forGuest)));
  const aptOptions = await hostAptOptions(task.signal);
  const bootstrap = [await findProgram("mmdebstrap"), ...bootstrapArgs(entry.packages, aptOptions), codename, "-", "-"];
  const expected = entry.unpackedBytes;
  await writeSquashfs(
    {
      command: await isolated(bootstrap, task.signal),
      env: bootstrapEnv(scratch, files),
      input: formatDeb822(sources),
      folders: ["dev"],
      onStderrLine: mirrorProgress(task.progress),
      onBytes: (done) =>
        task.progress({
          phase: "image",
          message: "Writing the image",
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

function bootstrapArgs(packages: readonly string[], aptOptions: readonly string[]): readonly string[] {
  return [
    "--mode=root",
    "--variant=minbase",
    "--format=tar",
    "--verbose",
    // The hook cleans up itself, so that it can set the times last; the guest mounts a /dev of its own.
    "--skip=output/dev,cleanup",
    `--hook-dir=${mergedUsr}`,
    ...(packages.length === 0 ? [] : [`--include=${packages.join(",")}`]),
    ...unwanted.map((path) => `--dpkgopt=path-exclude=/usr/share/${path}`),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-include=/usr/share/locale/locale.alias",
    ...aptOptions.map((option) => `--aptopt=${option}`),
    `--customize-hook=${finishScript}`,
  ];
}

function bootstrapEnv(scratch: string, files: { packages: string; sources: string }): NodeJS.ProcessEnv {
  const proxies = Object.entries(process.env).filter(([name]) => /^(https?|ftp|no)_proxy$/iu.test(name));
  return {
    ...Object.fromEntries(proxies),
    PATH: systemPath,
    HOME: "/root",
    LC_ALL: "C.UTF-8",
    TMPDIR: scratch,
    PYRO_PACKAGES: files.packages,
    PYRO_SOURCES: files.sources,
  };
}

async function debianSources(aptFolder: string, signal: AbortSignal): Promise<readonly AptSource[]> {
  const sources = await readAptSources(aptFolder);
  const origins = await knownOrigins(signal);
  return selectDebian(sources, codename, (uri, suite) => origins.get(`${uri.replace(/\/*$/u, "")} ${suite}`));
}

/** What apt learned about its sources at its last update, by "URI suite"; empty before the first. */
async function knownOrigins(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const format = "$(REPO_URI) $(RELEASE) $(ORIGIN)";
  const text = await aptText("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], signal);
  return new Map(
    text.split("\n").flatMap((line) => {
      const [uri = "", suite = "", ...origin] = line.split(" ");
      const known = origin.join(" ");
      return known === "" || known.startsWith("$(") ? [] : [[`${uri.replace(/\/*$/u, "")} ${suite}`, known] as const];
    }),
  );
}

/** Proxies, certificates and credentials of the host's apt, which mmdebstrap would not look at. */
async function hostAptOptions(signal: AbortSignal): Promise<readonly string[]> {
  const dump = await aptText("apt-config", ["dump"], signal);
  const wanted = /^Acquire::(https?|Retries|Queue-Mode|Languages)(::[^ ]*)?(?<=::(Proxy|Proxy-Auto-Detect|CaInfo|CaPath|Verify-Peer|Verify-Host|SslCert|SslKey|Timeout)|Proxy::[^ ]*|Retries) "[^"]+";$/u;
  const options = dump.split("\n").filter((line) => wanted.test(line));
  for (const [key, path] of [["netrc", "/etc/apt/auth.conf"], ["netrcparts", "/etc/apt/auth.conf.d/"]] as const) {
    if (await stat(path).then(() => true, () => false)) options.push(`Dir::Etc::${key} "${path}";`);
  }
  return [...options, 'Acquire::Languages "none";'];
}

async function aptText(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    return (await runProgram(program, args, { signal, env: { PATH: systemPath, LC_ALL: "C" }, timeoutMs: 10_000 })).stdout;
  } catch (error) {
    signal.throwIfAborted();
    throw new PyroError("unavailable", `This host's apt does not answer: ${program} ${args[0]}`, {
      hint: "The mirror source needs a Debian host with apt.",
      cause: error,
    });
  }
}
