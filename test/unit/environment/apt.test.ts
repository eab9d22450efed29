// Proves that the host's apt sources are read as apt reads them, and that apt's output becomes progress.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ProgressEvent } from "../../../src/base/progress.js";
import { forGuest, formatDeb822, readAptSources, selectDebian } from "../../../src/environment/apt-sources.js";
import { mirrorProgress } from "../../../src/environment/mirror-progress.js";

const unknownOrigin = (): undefined => undefined;

async function readFolder(files: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), "pyro-apt-"));
  await mkdir(join(folder, "sources.list.d"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const sources = await readAptSources(folder);
  await rm(folder, { recursive: true });
  return sources;
}

test("one-line and deb822 sources are read, switched-off and unfit ones are not", async () => {
  const sources = await readFolder({
    "sources.list": [
      "# deb http://mirror.test/debian bookworm main",
      "deb-src http://mirror.test/debian bookworm main",
      "deb [arch=amd64,arm64 signed-by=/keys/a.gpg] http://mirror.test/debian bookworm main contrib # ours",
      "deb [ arch=arm64 ] http://mirror.test/debian bookworm main",
      "deb http://mirror.test/debian bookworm contrib",
      "deb [trusted=yes] https://user:secret@mirror.test/debian-security bookworm-security main",
    ].join("\n"),
    "sources.list.d/a.sources": [
      "# comment",
      "Types: deb deb-src",
      "URIs: http://one.test/debian",
      "  http://two.test/debian",
      "Suites: bookworm bookworm-updates",
      "# another",
      "Components: main",
      "Signed-By:",
      " -----BEGIN PGP PUBLIC KEY BLOCK-----",
      " .",
      " abc",
      "",
      "Enabled: no",
      "Types: deb",
      "URIs: http://off.test/debian",
      "Suites: bookworm",
      "Components: main",
    ].join("\n"),
    "sources.list.d/ignored.save": "deb http://old.test/debian bookworm main\n",
  });
  const key = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc";
  expect(sources).toEqual([
    { uri: "http://mirror.test/debian", suites: ["bookworm"], signedBy: "/keys/a.gpg", trusted: false },
    {
      uri: "https://user:secret@mirror.test/debian-security",
      suites: ["bookworm-security"],
      signedBy: undefined,
      trusted: true,
    },
    { uri: "http://one.test/debian", suites: ["bookworm", "bookworm-updates"], signedBy: key, trusted: false },
    { uri: "http://two.test/debian", suites: ["bookworm", "bookworm-updates"], signedBy: key, trusted: false },
  ]);
  expect(await readFolder({ "sources.list.d/again.sources": formatDeb822(sources) })).toEqual(sources);
});

test("only Debian's own suites of that release are taken, whatever others call theirs", async () => {
  const sources = await readFolder({
    "sources.list": [
      "deb http://mirror.test/debian bookworm main",
      "deb http://mirror.test/debian trixie main",
      "deb http://vendor.test/linux bookworm main",
      "deb http://vendor.test/debian bookworm main",
      "deb cdrom:[Debian]/ bookworm main",
      "deb http://hidden.test/path bookworm main",
    ].join("\n"),
  });
  const origins: Record<string, string> = {
    "http://vendor.test/debian": "Vendor",
    "http://hidden.test/path": "Debian",
  };
  const uris = selectDebian(sources, "bookworm", (uri) => origins[uri]).map((source) => source.uri);
  expect(uris).toEqual(["http://mirror.test/debian", "http://hidden.test/path"]);
  expect(selectDebian(sources, "forky", unknownOrigin)).toEqual([]);
});

test("credentials of the host's mirror do not get into an environment", async () => {
  const [source] = await readFolder({ "sources.list": "deb http://user:secret@mirror.test/debian bookworm main\n" });
  expect(source && forGuest(source)).toEqual({
    uri: "http://mirror.test/debian",
    suites: ["bookworm"],
    signedBy: "/usr/share/keyrings/debian-archive-keyring.gpg",
    trusted: false,
  });
});

test("a folder without sources has none", async () => {
  expect(await readAptSources("/nonexistent")).toEqual([]);
});

test("downloads are counted in bytes and installs in packages", () => {
  const events: ProgressEvent[] = [];
  const take = mirrorProgress((event) => events.push(event));
  for (const line of [
    "Get:1 http://mirror.test/debian bookworm InRelease [151 kB]",
    "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.",
    "Need to get 2.8 MB of archives.",
    "Get:1 http://mirror.test/debian bookworm/main amd64 libc6 amd64 2.36-9 [2759 kB]",
    "Get:2 http://mirror.test/debian bookworm/main amd64 mawk amd64 1.3.4 [41.0 kB]",
    "Unpacking libc6:amd64 (2.36-9) ...",
    "Setting up libc6:amd64 (2.36-9) ...",
  ]) {
    take(line);
  }
  const download = { phase: "download", unit: "bytes", total: 2_800_000 };
  const install = { phase: "install", unit: "steps", things: "packages", total: 2 };
  expect(events).toEqual([
    { phase: "resolve", message: "Reading the mirror's package lists" },
    { ...download, message: "Downloading libc6", done: 0 },
    { ...download, message: "Downloading mawk", done: 2_759_000 },
    { ...install, message: "Unpacking packages", done: 0 },
    { ...install, message: "Installing libc6:amd64", done: 1 },
  ]);
});
