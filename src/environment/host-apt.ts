// Owns asking the host's own apt what it is set up with. Never changes that.
import { open, stat } from "node:fs/promises";
import { PyroError, hasErrno } from "../base/error.js";
import { runProgram } from "../base/spawn.js";
import { readAptSources, type AptSource, type OriginOf } from "./apt-sources.js";
import { systemPath } from "../base/host-program.js";

export interface HostApt {
  readonly sources: readonly AptSource[];
  readonly originOf: OriginOf;
}

/** What lies in `aptFolder`, such as /etc/apt, and what apt has learned about it. */
export async function readHostApt(aptFolder: string, signal: AbortSignal): Promise<HostApt> {
  const sources = await readAptSources(aptFolder);
  const origins = await knownOrigins(signal);
  return {
    sources: (await Promise.all(sources.map(resolveMirrorList))).flat(),
    originOf: (uri, suite) => origins.get(`${uri.replace(/\/*$/u, "")} ${suite}`),
  };
}

const maxMirrorListBytes = 64 * 1024;

/** Cloud images name a file of mirrors, which an environment would not have: its first mirror stands for it. */
async function resolveMirrorList(source: AptSource): Promise<readonly AptSource[]> {
  const path = /^mirror\+file:(?:\/\/)?(\/.*)$/u.exec(source.uri)?.[1];
  if (path === undefined) return [source];
  const [uri] = /^https?:\/\/\S+/mu.exec(await readStart(path)) ?? [];
  return uri === undefined ? [] : [{ ...source, uri }];
}

async function readStart(path: string): Promise<string> {
  try {
    await using file = await open(path, "r");
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxMirrorListBytes));
    return buffer.toString("utf8", 0, bytesRead);
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "EACCES") || hasErrno(error, "EISDIR")) return "";
    throw error;
  }
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
export async function hostAptOptions(signal: AbortSignal): Promise<readonly string[]> {
  const dump = await aptText("apt-config", ["dump"], signal);
  const options = dump.split("\n").filter(isTransportOption);
  if (await exists("/etc/apt/auth.conf")) options.push('Dir::Etc::netrc "/etc/apt/auth.conf";');
  if (await exists("/etc/apt/auth.conf.d")) options.push('Dir::Etc::netrcparts "/etc/apt/auth.conf.d/";');
  return [...options, 'Acquire::Languages "none";'];
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** One line of `apt-config dump`: `Acquire::http::Proxy "http://…";`, also those for one host. */
function isTransportOption(line: string): boolean {
  const keys = "Proxy|Proxy-Auto-Detect|CaInfo|CaPath|Verify-Peer|Verify-Host|SslCert|SslKey|Timeout";
  return new RegExp(`^Acquire::(Retries|https?::([^ ]+::)?(${keys})(::[^ ]+)?) "[^"]+";$`, "u").test(line);
}

async function aptText(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    return (await runProgram(program, args, { signal, env: { PATH: systemPath, LC_ALL: "C" }, timeoutMs: 10_000 }))
      .stdout;
  } catch (error) {
    signal.throwIfAborted();
    throw new PyroError("unavailable", `This host's apt does not answer: ${program} ${args[0]}`, {
      hint: "The mirror source needs a Debian host with apt.",
      cause: error,
    });
  }
}
