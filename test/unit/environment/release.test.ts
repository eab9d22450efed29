// Proves where the packages of a Debian release come from: the user's mirror, the host's sources of it, or of another release.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { namedMirror, parseDebianMirror } from "../../../src/base/debian-mirror.js";
import { readSettings } from "../../../src/base/settings.js";
import {
  archiveKeyring,
  deriveDebian,
  readAptSources,
  selectDebian,
  type OriginOf,
} from "../../../src/environment/apt-sources.js";
import { readHostApt } from "../../../src/environment/host-apt.js";
import { sourcesOfMirror } from "../../../src/environment/release-sources.js";
import { mirrorFault } from "../../../src/environment/squashfs.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pyro-release-"));
  await mkdir(join(folder, "sources.list.d"));
});
afterEach(() => rm(folder, { recursive: true }));

const unknown: OriginOf = () => undefined;

async function sourcesOf(files: Record<string, string>) {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return readAptSources(folder);
}

const derived = (uri: string, ...suites: string[]) => ({ uri, suites, signedBy: archiveKeyring, trusted: false });

/** As Debian 13's installer writes it. */
const trixieList = [
  "deb http://mirror.test/debian/ trixie main non-free-firmware",
  "deb-src http://mirror.test/debian/ trixie main non-free-firmware",
  "deb http://mirror.test/debian-security trixie-security main",
  "deb http://mirror.test/debian/ trixie-updates main",
  "deb http://mirror.test/debian/ trixie-backports main",
].join("\n");

test("a Debian 13 host gets Debian 12 from the mirrors of its own one-line sources, updates and security included", async () => {
  const sources = await sourcesOf({ "sources.list": trixieList });
  expect(selectDebian(sources, "bookworm", unknown)).toEqual([]);
  expect(deriveDebian(sources, "bookworm", unknown)).toEqual([
    derived("http://mirror.test/debian/", "bookworm", "bookworm-updates"),
    derived("http://mirror.test/debian-security", "bookworm-security"),
  ]);
});

test("the same from deb822 sources, held against Debian's own keys whatever these are held against", async () => {
  const stanza = (uri: string, suites: string, more: string) =>
    `Types: deb\nURIs: ${uri}\nSuites: ${suites}\nComponents: main\n${more}\n`;
  const sources = await sourcesOf({
    "sources.list.d/debian.sources": [
      stanza("http://mirror.test/debian", "trixie trixie-updates", "Signed-By:\n -----BEGIN PGP\n .\n abc"),
      stanza("http://mirror.test/debian-security", "trixie-security", "Trusted: yes"),
    ].join("\n"),
  });
  expect(deriveDebian(sources, "bookworm", unknown)).toEqual([
    derived("http://mirror.test/debian", "bookworm", "bookworm-updates"),
    derived("http://mirror.test/debian-security", "bookworm-security"),
  ]);
});

test("stable and the security suite's old name are releases, backports and proposed updates are not", async () => {
  const sources = await sourcesOf({
    "sources.list": [
      "deb http://a.test/debian stable main",
      "deb http://b.test/debian buster/updates main",
      "deb http://c.test/debian trixie-proposed-updates main",
      "deb http://d.test/debian bookworm-backports-sloppy main",
    ].join("\n"),
  });
  expect(deriveDebian(sources, "trixie", unknown)).toEqual([
    derived("http://a.test/debian", "trixie"),
    derived("http://b.test/debian", "trixie-security"),
  ]);
});

test("another vendor's mirror that looks like Debian's is left alone where one is known to be Debian's", async () => {
  const sources = await sourcesOf({
    "sources.list": [
      "deb http://vendor.test/debian trixie main",
      "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.pgp] http://mirror.test/debian trixie main",
      "deb http://other.test/debian noble main",
    ].join("\n"),
  });
  const originOf: OriginOf = (uri) => (uri === "http://other.test/debian" ? "Ubuntu" : undefined);
  expect(deriveDebian(sources, "bookworm", originOf)).toEqual([derived("http://mirror.test/debian", "bookworm")]);
});

test("an Ubuntu host has no Debian source, and one with security fixes alone none of the release", async () => {
  const ubuntu =
    "Types: deb\nURIs: http://mirror.test/ubuntu/\nSuites: noble noble-updates\nComponents: main universe\n";
  const sources = await sourcesOf({ "sources.list.d/ubuntu.sources": ubuntu });
  expect(deriveDebian(sources, "bookworm", unknown)).toEqual([]);
  const security = await sourcesOf({ "sources.list": "deb http://mirror.test/debian-security trixie-security main" });
  expect(deriveDebian(security, "bookworm", unknown)).toEqual([]);
  expect(selectDebian(security, "trixie", unknown)).toEqual([]);
});

test("a list of mirrors in a file, as cloud images have it, is read for its first mirror", async () => {
  const list = join(folder, "mirrors.list");
  await writeFile(list, "# ours\nhttps://first.test/debian\tpriority:1\nhttps://second.test/debian\n");
  const stanza = `Types: deb\nURIs: mirror+file://${list}\nSuites: trixie trixie-updates\nComponents: main\n`;
  const gone = "deb mirror+file:/nonexistent/list trixie-security main\n";
  await sourcesOf({ "sources.list.d/debian.sources": stanza, "sources.list": gone });
  const { sources } = await readHostApt(folder, new AbortController().signal);
  expect(deriveDebian(sources, "bookworm", unknown)).toEqual([
    derived("https://first.test/debian", "bookworm", "bookworm-updates"),
  ]);
});

test("the user's mirror is one or two URLs, and the security fixes lie beside an archive called debian", () => {
  expect(parseDebianMirror(" http://mirror.test/debian/ ")).toEqual({
    archive: "http://mirror.test/debian",
    security: "http://mirror.test/debian-security",
  });
  expect(parseDebianMirror("https://mirror.test/d12 https://mirror.test/fixes")).toEqual({
    archive: "https://mirror.test/d12",
    security: "https://mirror.test/fixes",
  });
  expect(parseDebianMirror("file:///srv/mirror")).toEqual({ archive: "file:///srv/mirror", security: undefined });
  expect(sourcesOfMirror({ archive: "http://m.test/debian", security: "http://m.test/s" }, "trixie")).toEqual([
    derived("http://m.test/debian", "trixie", "trixie-updates"),
    derived("http://m.test/s", "trixie-security"),
  ]);
});

test("what is no mirror's URL is refused, and what would be another line for apt is not one", () => {
  const wrong = [
    "",
    "mirror.test/debian",
    "ftp://mirror.test/debian",
    "cdrom:///debian",
    "file://host/debian",
    "file:///",
  ];
  const odd = ["http://", "http://a.test/?x", "http://a.test/#x", "http://a.test http://b.test http://c.test"];
  const lines = ["http://a.test/debian\nTrusted: yes", "http://a.test/debian [trusted=yes]"];
  expect([...wrong, ...odd, ...lines].filter((text) => parseDebianMirror(text) !== undefined)).toEqual([]);
});

test("the variable goes before the setting, which is read anew each time; neither's value is printed when it is wrong", async () => {
  const settingsPath = join(folder, "settings.json");
  const setting = async () => (await readSettings(settingsPath)).debian_mirror;
  const found = (variable: string | undefined) => namedMirror({ variable, setting, settingsPath }).find();
  expect(await found(undefined)).toBeUndefined();
  await writeFile(settingsPath, JSON.stringify({ debian_mirror: "http://set.test/debian" }));
  expect((await found(""))?.archive).toBe("http://set.test/debian");
  expect((await found("http://said.test/debian"))?.archive).toBe("http://said.test/debian");
  const refused = async (work: Promise<unknown>) => String(await work.catch((error: unknown) => error));
  expect(await refused(found("ftp://ada:secret@said.test"))).toBe(
    "PyroError: PYRO_DEBIAN_MIRROR names no Debian mirror.",
  );
  await writeFile(settingsPath, JSON.stringify({ debian_mirror: "ftp://ada:secret@set.test" }));
  const message = await refused(found(undefined));
  expect(message).toContain("debian_mirror: must be one or two URLs");
  expect(message).not.toContain("secret");
});

test("who has named no mirror is told what to type, with or without a settings file", async () => {
  const settingsPath = join(folder, "new folder", "settings.json");
  const line = () =>
    namedMirror({ variable: undefined, setting: () => Promise.resolve(undefined), settingsPath }).line();
  expect(await line()).toBe(
    `mkdir -p '${folder}/new folder' && echo '{"debian_mirror": "https://MIRROR/debian"}' > '${settingsPath}'` +
      " # with a MIRROR of https://www.debian.org/mirror/list",
  );
  await mkdir(join(folder, "new folder"));
  await writeFile(settingsPath, "{}");
  expect(await line()).toContain(`add "debian_mirror": "https://MIRROR/debian" to ${settingsPath}`);
});

test("what apt says of a mirror becomes the next step, without a password", () => {
  const fault = (text: string) => {
    const error = mirrorFault(`W: something\n${text}`);
    return error && { message: error.message, hint: error.hint };
  };
  expect(
    fault("E: The repository 'http://ada:secret@m.test/debian bookworm Release' does not have a Release file."),
  ).toEqual({
    message:
      "The mirror does not have what is wanted of it: E: The repository 'http://***@m.test/debian bookworm Release' does not have a Release file.",
    hint: expect.stringContaining("debian_mirror in the settings"),
  });
  expect(fault("W: GPG error: http://m.test trixie InRelease: NO_PUBKEY 6ED0E7B82643E131")?.hint).toContain(
    "newest keys",
  );
  expect(fault("E: Failed to fetch http://m.test/x  Could not connect to m.test:80")?.hint).toContain("apt-get update");
  expect(fault("tar: write error")).toBeUndefined();
});
