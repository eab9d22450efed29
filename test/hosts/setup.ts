// Owns what the tests with real chat hosts share for one run: what the end-to-end tests share, and hosts that start. Leaves nothing.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setup as setUpMachines } from "../e2e/setup.js";
import { chatHost, chatHosts, type ChatHost } from "./hosts.js";

/** Milliseconds until a host must have said its version, on a busy machine. */
const versionTimeoutMs = 300_000;

export async function setup(): Promise<() => Promise<void>> {
  const home = mkdtempSync(join(tmpdir(), "pyro-hosts-"));
  try {
    for (const name of chatHosts) checkHost(name, home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  return setUpMachines();
}

/** Some write into their HOME even for this. */
function checkHost(name: ChatHost, home: string): void {
  try {
    const env = { PATH: process.env["PATH"], HOME: home };
    execFileSync(chatHost(name), ["--version"], { stdio: "pipe", timeout: versionTimeoutMs, env });
  } catch (cause) {
    throw new Error(`${name} does not start: run \`make smoke-hosts\`, which installs it.`, { cause });
  }
}
