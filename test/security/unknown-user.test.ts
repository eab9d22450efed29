// Proves that pyro works for a uid that no passwd file knows, as containers have them. Starts no machine.
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { locatePaths, preparePaths, resolvePaths } from "../../src/base/paths.js";
import { findHome, userName } from "../../src/base/user.js";
import { scopeOf } from "../../src/surface/mcp/choices.js";

vi.mock("node:os", async (original) => {
  const unknown = () => {
    throw Object.assign(new Error("uv_os_get_passwd returned ENOENT"), { code: "ERR_SYSTEM_ERROR" });
  };
  return { ...(await original<object>()), userInfo: unknown, homedir: unknown };
});

let home: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "pyro-unknown-user-")));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test("with HOME or PYRO_HOME the folders are found and made, and the project is found", async () => {
  expect(locatePaths({ HOME: home }).state).toBe(join(home, ".local/state/pyro"));
  expect(preparePaths({ PYRO_HOME: home }).state).toBe(join(home, "state"));
  expect(scopeOf({}, home).allowed.folders).toEqual([]);
  expect(userName()).toBeUndefined();
});

test("without either the error says which to set", () => {
  expect(() => resolvePaths({})).toThrow(/has no home folder: HOME is not set/u);
  expect(findHome({})).toBeUndefined();
});
