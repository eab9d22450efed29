// Proves that what V8 made of a bundle is used again, and only where nobody else can have written it or it is of another bundle.

import { chmodSync, linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runBundle } from "../../../src/base/compiled-bundle.js";

let home: string;
let bundle: string;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pyro-compiled-"));
  bundle = join(home, "bundle.cjs");
  env = { PYRO_HOME: home };
  mkdirSync(join(home, "cache"), { mode: 0o700 });
  write("one");
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test("the bundle runs as a CommonJS module, and the second start has no need to keep anything", () => {
  expect(start()).toBe("one");
  const kept = inode();
  expect(start()).toBe("one");
  expect(inode()).toBe(kept);
  expect(statSync(keptPath()).mode & 0o777).toBe(0o600);
});

test("a bundle of the same length but other text is not run with the code of the first", () => {
  start();
  const kept = inode();
  write("two");
  expect(start()).toBe("two");
  expect(inode()).not.toBe(kept);
});

test.each([
  ["a changed byte", (path: string) => writeFileSync(path, flipped(readFileSync(path)))],
  ["half of it", (path: string) => writeFileSync(path, readFileSync(path).subarray(0, statSync(path).size / 2))],
  ["nothing", (path: string) => writeFileSync(path, "")],
  ["others may write it", (path: string) => chmodSync(path, 0o666)],
  [
    "a link to it",
    (path: string) => {
      renameSync(path, `${path}.real`);
      symlinkSync(`${path}.real`, path);
    },
  ],
])("what was kept is not used, and replaced: %s", (_, spoil) => {
  start();
  spoil(keptPath());
  linkSync(keptPath(), join(home, "before"));
  expect(start()).toBe("one");
  expect(inode()).not.toBe(statSync(join(home, "before")).ino);
  const good = inode();
  start();
  expect(inode()).toBe(good);
});

test.each([
  ["the cache folder", () => join(home, "cache")],
  ["the folder for compiled code", () => join(home, "cache", "compiled")],
])("nothing is kept where others may look into or write to %s", (_, folder) => {
  mkdirSync(join(home, "cache", "compiled"), { mode: 0o700 });
  chmodSync(folder(), 0o755);
  expect(start()).toBe("one");
  expect(readdirSync(join(home, "cache", "compiled"))).toEqual([]);
});

test("without a cache folder the bundle runs, and none is made", () => {
  rmSync(join(home, "cache"), { recursive: true });
  expect(start()).toBe("one");
  expect(readdirSync(home)).toEqual(["bundle.cjs"]);
});

test("a bundle that throws does so", () => {
  writeFileSync(bundle, wrapped('throw new Error("broken")', "c".repeat(16)));
  expect(() => runBundle(bundle, env)).toThrow("broken");
});

function start(): unknown {
  const { exports, keep } = runBundle(bundle, env);
  const value = (exports as { say(): string }).say();
  keep();
  return value;
}

function write(word: string): void {
  const digest = word === "one" ? "a" : "b";
  writeFileSync(bundle, wrapped(`exports.say = () => ${JSON.stringify(word)};`, digest.repeat(16)));
}

function wrapped(body: string, digest: string): string {
  return `// ${digest}\n(function (exports, require, module, __filename, __dirname) { ${body} })`;
}

function keptPath(): string {
  return join(home, "cache", "compiled", `bundle.cjs-${process.version}`);
}

function inode(): number {
  return statSync(keptPath()).ino;
}

function flipped(bytes: Buffer): Buffer {
  bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 0x10;
  return bytes;
}
