// Proves that the checkout names no machine of ours and no package registry, and that sources keep the house rules no linter knows.

import { expect, test } from "vitest";
import { checkoutFiles, sourceFiles, type CheckoutFile } from "./checkout.js";

/** The only file that has to spell out what is forbidden. */
const SELF = "test/contract/hygiene.test.ts";

const DEVELOPER_PATHS = /\/home\/(?!USER\b|you\b)[a-z]|\/Users\/|\/work\/(main|shared)|\/tmp\/(setup|guest)-notes/;

/** The mirror, proxy or registry is the host's own setting. Go import paths are names, no hosts to fetch from. */
const REGISTRY_HOSTS =
  /registry\.npmjs|npmjs\.(org|com)|yarnpkg\.com|(proxy|sum)\.golang\.org|(deb|security|snapshot|ftp\.[a-z]+)\.debian\.org|pypi\.org|pythonhosted\.org|crates\.io|rubygems\.org|registry-1\.docker|(^|[^-\w.])(ghcr|quay|gcr)\.io/m;

const DOCKER_HUB = /docker\.io|hub\.docker\.com/;
const MAY_NAME_DOCKER_HUB = /^(README\.md|docs\/|CHANGELOG\.md)/;

const files = checkoutFiles((path) => path !== SELF);
const typescript = sourceFiles().filter(({ path }) => path.endsWith(".ts") && path !== SELF);
const tests = typescript.filter(({ path }) => path.endsWith(".test.ts"));

test("no file names a path of a developer's machine", () => {
  expect(matches(files, DEVELOPER_PATHS)).toEqual([]);
});

test("no file names the host of a package registry", () => {
  expect(matches(files, REGISTRY_HOSTS)).toEqual([]);
});

test("only documents name Docker Hub", () => {
  const others = files.filter(({ path }) => !MAY_NAME_DOCKER_HUB.test(path));
  expect(matches(others, DOCKER_HUB)).toEqual([]);
});

test("no test is switched off; one that cannot run calls skip with its reason while it runs", () => {
  const switchedOff = /\b(test|it|describe|suite)(\.\w+)*\.(skip|skipIf|runIf|only|todo)\b|\bskip\(\s*\)/;
  expect(matches(tests, switchedOff)).toEqual([]);
});

test("there are no enums and no namespaces", () => {
  expect(matches(typescript, /^\s*(export\s+)?(declare\s+)?((const\s+)?enum|namespace)\s+\w/)).toEqual([]);
});

test("no lint rule or type error is silenced without a reason", () => {
  const silenced = /(oxlint|eslint)-disable(?!.* -- \S)|@ts-(ignore|nocheck)|@ts-expect-error\s*$|prettier-ignore\s*$/;
  expect(matches(typescript, silenced)).toEqual([]);
});

/** `path:line: text` of each line that matches. */
function matches(among: readonly CheckoutFile[], pattern: RegExp): string[] {
  return among.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}
