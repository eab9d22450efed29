// Owns asking the host's own apt what it is set up with. Never changes that.
import { stat } from "node:fs/promises";
import { PyroError } from "../base/error.js";
import { runProgram } from "../base/spawn.js";
import { readAptSources, selectDebian, type AptSource } from "./apt-sources.js";
import { systemPath } from "../base/host-program.js";

/** The sources in `aptFolder` that serve Debian `codename`. */
export async function debianSources(
  aptFolder: string,
  codename: string,
  signal: AbortSignal,
): Promise<readonly AptSource[]> {
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
