// Proves that the checkout leaves it to each host's own settings where packages come from.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { checkoutFiles, sourceFiles, type CheckoutFile } from "./checkout.js";
import { hostsIn, packageHosts } from "./package-hosts.js";

/** Whose pages code tells a person to read; nothing is fetched from them. */
const PAGES = new Set(["www.debian.org", "docs.ollama.com", "opencode.ai"]);
/** Reserved for examples and tests, or of the machine itself. */
const EXAMPLE = /^(?:.+\.)?(?:test|example|invalid|localhost|example\.(?:com|net|org)(?:\..+)?)$|^[\d.]+$|^[^.]*$/u;

/** `path:line: host` of each line with a host of which `isForbidden` is true. */
function naming(files: readonly CheckoutFile[], hostsOf: (line: string) => readonly string[]): string[] {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => hostsOf(line).map((host) => `${path}:${index + 1}: ${host}`)),
  );
}

/** A name as such: not a part of a longer one, but also behind the name of a machine within it. */
function patternOf(hosts: readonly string[]): RegExp {
  const names = hosts.map((host) => host.replaceAll(".", "\\."));
  return new RegExp(`(?<![\\w-])(?:${names.join("|")})(?![\\w-]|\\.\\w)`, "giu");
}

test("no file names a host that this machine's package managers fetch from", () => {
  const hosts = packageHosts();
  const pattern = patternOf(hosts);
  const found = hosts.length === 0 ? [] : naming(checkoutFiles(), (line) => line.match(pattern) ?? []);
  expect(found).toEqual([]);
});

test("no address in code names a host, but for examples and pages to read", () => {
  const code = sourceFiles();
  const foreign = (line: string) =>
    hostsIn(line).filter((host) => /^[\w.-]+$/u.test(host) && !EXAMPLE.test(host) && !PAGES.has(host));
  expect(naming(code, foreign)).toEqual([]);
});

test("each manager's settings are read, credentials and comments left out", () => {
  const home = mkdtempSync(join(tmpdir(), "pyro-settings-"));
  const settings = {
    ".npmrc":
      "# https://commented.example\nregistry=https://user:secret@npm.example/path/\n//npm.example/:_authToken=x\n",
    ".config/pip/pip.conf": "[global]\nindex-url = https://pip.example:8443/simple\n; https://commented.example\n",
    ".config/go/env": "GOPROXY=https://go.example,direct\n",
    ".cargo/config.toml": '[source.mirror]\nregistry = "sparse+https://cargo.example/index/"\n',
    ".m2/settings.xml":
      '<settings xmlns="http://schema.example/1"><!-- http://commented.example --><url>https://maven.example/m2</url></settings>',
  };
  for (const [path, text] of Object.entries(settings)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  const file = join(home, "elsewhere");
  writeFileSync(file, "extra-index-url = https://named.example\n");
  const variables = {
    GOSUMDB: "sum.example",
    https_proxy: "http://proxy.example:3128",
    UV_INDEX_URL: "https://uv.example",
  };
  try {
    expect(packageHosts({ ...variables, PIP_CONFIG_FILE: file, HOME: home }, home)).toEqual(
      expect.arrayContaining([
        ...["cargo.example", "go.example", "maven.example", "named.example", "npm.example", "pip.example"],
        ...["proxy.example", "sum.example", "uv.example"],
      ]),
    );
    expect(packageHosts(variables, home).filter((host) => /commented|schema|secret|user/u.test(host))).toEqual([]);
  } finally {
    rmSync(home, { recursive: true });
  }
});
