// Proves that whatever stands where a host's config file should be is read at once or refused by name, and never waited for.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfigFile } from "../../../src/chat-host/config-file.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pyro-config-file-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a named pipe, a folder and bytes that are no text are refused; a missing file is empty", async () => {
  const at = (name: string) => join(folder, name);
  execFileSync("mkfifo", [at("pipe")]);
  mkdirSync(at("folder"));
  writeFileSync(at("bytes"), Buffer.from([0x7b, 0xff, 0x7d]));
  for (const name of ["pipe", "folder", "bytes"]) {
    await expect(readConfigFile({ path: at(name) })).rejects.toMatchObject({
      code: "failed_precondition",
      message: expect.stringContaining(at(name)),
    });
  }
  expect(await readConfigFile({ path: at("none") })).toMatchObject({ text: "", ownership: undefined });
});
