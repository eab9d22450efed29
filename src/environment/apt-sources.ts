// Owns reading which Debian package mirrors the host's own apt is set up with. Never names a mirror of its own.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { hasErrno } from "../base/error.js";

export interface AptSource {
  readonly uri: string;
  readonly suites: readonly string[];
  /** A key file, fingerprint or inline key block, in deb822 form. */
  readonly signedBy: string | undefined;
  /** The host's administrator switched signature checks off. */
  readonly trusted: boolean;
}

/** Every enabled binary source with component `main` for amd64 in an apt configuration folder such as /etc/apt. */
export async function readAptSources(folder: string): Promise<readonly AptSource[]> {
  const sources = parseOneLine(await readText(join(folder, "sources.list")));
  for (const name of await fileNames(join(folder, "sources.list.d"))) {
    const text = await readText(join(folder, "sources.list.d", name));
    if (name.endsWith(".list")) sources.push(...parseOneLine(text));
    if (name.endsWith(".sources")) sources.push(...parseDeb822(text));
  }
  return sources;
}

/** What apt knows of the one who publishes a suite; undefined where it knows nothing. */
export type OriginOf = (uri: string, suite: string) => string | undefined;

/** Where Debian's package debian-archive-keyring has the keys of all releases that are alive. */
export const archiveKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The ones that serve Debian `codename`, its updates and security fixes; none when the release itself is not there. */
export function selectDebian(
  sources: readonly AptSource[],
  codename: string,
  originOf: OriginOf,
): readonly AptSource[] {
  const wanted = [codename, `${codename}-updates`, `${codename}-security`];
  const found = sources.flatMap((source) => {
    const suites = source.suites.filter(
      (suite) => wanted.includes(suite) && debianness(source, originOf(source.uri, suite)) !== "none",
    );
    return suites.length === 0 || !isWeb(source) ? [] : [{ ...source, suites }];
  });
  return found.some(({ suites }) => suites.includes(codename)) ? found : [];
}

/**
 * The same mirrors with the suites of `codename`, for a host whose own release is another one. Only Debian's own keys
 * count for them, whatever the host lets pass for the suites that its administrator named.
 */
export function deriveDebian(
  sources: readonly AptSource[],
  codename: string,
  originOf: OriginOf,
): readonly AptSource[] {
  const candidates = sources.filter(isWeb).flatMap((source) =>
    source.suites.flatMap((suite) => {
      const end = suiteEnd(suite);
      const proof = debianness(source, originOf(source.uri, suite));
      return end === undefined || proof === "none" ? [] : [{ uri: source.uri, suite: `${codename}${end}`, proof }];
    }),
  );
  // Another vendor's address can look like Debian's: where some are known to be Debian's, those alone.
  const known = candidates.filter(({ proof }) => proof === "known");
  const suitesOf = new Map<string, Set<string>>();
  for (const { uri, suite } of known.length > 0 ? known : candidates) {
    suitesOf.set(uri, (suitesOf.get(uri) ?? new Set()).add(suite));
  }
  const found = [...suitesOf].map(([uri, suites]) => debianSource(uri, [...suites]));
  return found.some(({ suites }) => suites.includes(codename)) ? found : [];
}

/** A source of Debian's own packages, held against Debian's own keys. */
export function debianSource(uri: string, suites: readonly string[]): AptSource {
  return { uri, suites, signedBy: archiveKeyring, trusted: false };
}

/** The text of a deb822 `.sources` file. */
export function formatDeb822(sources: readonly AptSource[]): string {
  return sources.map(formatStanza).join("\n");
}

/** For use inside an environment: no credentials in it, and its own keyring. */
export function forGuest(source: AptSource): AptSource {
  return {
    ...source,
    uri: source.uri.replace(/^([a-z+]+:\/\/)[^/@]*@/u, "$1"),
    signedBy: source.trusted ? undefined : archiveKeyring,
  };
}

function formatStanza(source: AptSource): string {
  const lines = ["Types: deb", `URIs: ${source.uri}`, `Suites: ${source.suites.join(" ")}`, "Components: main"];
  if (source.signedBy !== undefined) lines.push(`Signed-By: ${source.signedBy}`);
  if (source.trusted) lines.push("Trusted: yes");
  return `${lines.join("\n")}\n`;
}

// Other vendors publish suites of the same name, so the suite alone does not tell.
function debianness(source: AptSource, origin: string | undefined): "known" | "likely" | "none" {
  if (origin !== undefined) return origin === "Debian" ? "known" : "none";
  if (/debian-archive/u.test(source.signedBy ?? "")) return "known";
  return /\/debian(-security)?\/?$/u.test(source.uri) ? "likely" : "none";
}

function isWeb({ uri }: AptSource): boolean {
  return /^(mirror\+)?https?:\/\//u.test(uri);
}

/** `-security` of `trixie-security`, nothing of `trixie` and `stable`; undefined of what is not taken, as backports. */
function suiteEnd(suite: string): "" | "-updates" | "-security" | undefined {
  const end = /^[a-z]+(-updates|-security|\/updates|)\/?$/u.exec(suite)?.[1];
  if (end === "" || end === "-updates" || end === "-security") return end;
  return end === "/updates" ? "-security" : undefined;
}

function parseOneLine(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s+([^#]+)/u.exec(line);
    if (match === null) return [];
    const [, optionText = "", uri = "", suite = "", components = ""] = match;
    const options = new Map(words(optionText).map((word) => splitOnce(word, "=")));
    if (!serves(words(components), options.get("arch")?.split(","))) return [];
    const trusted = isYes(options.get("trusted"));
    return [{ uri, suites: [suite], signedBy: options.get("signed-by"), trusted }];
  });
}

function parseDeb822(text: string): AptSource[] {
  const stanzas = text.replaceAll(/^#.*\n?/gmu, "").split(/\n[ \t]*\n/u);
  return stanzas.map(parseFields).flatMap((fields) => {
    const architectures = fields.get("architectures");
    if (!words(fields.get("types")).includes("deb") || fields.get("enabled")?.toLowerCase() === "no") return [];
    if (!serves(words(fields.get("components")), architectures && words(architectures))) return [];
    const rest = {
      suites: words(fields.get("suites")),
      signedBy: fields.get("signed-by"),
      trusted: isYes(fields.get("trusted")),
    };
    return words(fields.get("uris")).map((uri) => ({ uri, ...rest }));
  });
}

function parseFields(stanza: string): Map<string, string> {
  const logical = stanza.replaceAll(/\n(?=[ \t])/gu, "\0").split("\n");
  return new Map(
    logical.map((line) => {
      const [name, value] = splitOnce(line, ":");
      return [name.trim().toLowerCase(), value.trim().replaceAll("\0", "\n")];
    }),
  );
}

function serves(components: readonly string[], architectures: readonly string[] | "" | undefined): boolean {
  return components.includes("main") && (!architectures || architectures.includes("amd64"));
}

function isYes(value: string | undefined): boolean {
  return value?.toLowerCase() === "yes";
}

function words(text = ""): string[] {
  return text.split(/\s+/u).filter((word) => word !== "");
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

async function readText(path: string): Promise<string> {
  return readFile(path, "utf8").catch(emptyWhenMissing(""));
}

async function fileNames(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(emptyWhenMissing<string[]>([]))).toSorted();
}

function emptyWhenMissing<T>(empty: T): (error: unknown) => T {
  return (error) => {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "EACCES")) return empty;
    throw error;
  };
}
