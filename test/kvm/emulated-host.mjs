// Owns one start of an emulated host: runs scripts in it through a shared folder, and notices when it no longer lives.
// Never knows what the scripts are for.

import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startEmulator } from "./emulator.mjs";

/**
 * Without any sign of life for this long, in real milliseconds, the emulator's own nesting has stalled; on a busy machine
 * only when it has also used this many seconds of processor time meanwhile, of which a living host needs 7 for a sign.
 */
const SILENCE = { ms: 120_000, cpuSeconds: 120 };
/** Real milliseconds of silence that are too many however busy the machine is. */
const DEAD_MS = 10 * 60_000;
/** Real milliseconds for one script; pyro's own deadlines inside are far shorter. */
const SCRIPT_MS = 60 * 60_000;
const POLL_MS = 100;

/** The host does not go on: what ran in it says nothing about pyro. */
export class Stalled extends Error {}

export class EmulatedHost {
  #share;
  #transcript;
  #emulator;
  /** When, and how much processor time had been used. */
  #lastSign = { at: performance.now(), cpuSeconds: 0 };
  #lastBeat = 0;
  #scripts = 0;

  /**
   * Starts a host; it runs scripts once `ready` has resolved.
   * @param {{image: string, kernel: string, initrd: string, payload: string, folder: string, log: string}} parts
   *   `folder` is empty and this start's alone; `log` gets the console and every script with what it wrote
   */
  constructor({ folder, log, ...files }) {
    this.#share = join(folder, "share");
    for (const name of ["todo", "doing", "done"]) mkdirSync(join(this.#share, name), { recursive: true });
    this.#transcript = createWriteStream(log, { flags: "a" });
    this.#emulator = startEmulator({ ...files, share: this.#share, scratch: folder }, (chunk) => {
      this.#signOfLife();
      this.#transcript.write(chunk);
    });
  }

  async ready() {
    await this.#waitFor(join(this.#share, "ready"), "it started");
  }

  /**
   * Runs a shell script as a user.
   * @returns {Promise<{code: number, stdout: string, stderr: string, ms: number}>} `ms` by the host's own clock
   */
  async run(user, script) {
    this.#scripts += 1;
    const number = String(this.#scripts).padStart(3, "0");
    const name = `${number}.${user}.sh`;
    const began = performance.now();
    const part = join(this.#share, `${name}.part`);
    writeFileSync(part, `PATH=/opt/smoke/bin:/usr/sbin:$PATH\n${script}\n`);
    this.#transcript.write(`\n--- ${user} $ ${script}\n`);
    renameSync(part, join(this.#share, "todo", name));
    const result = join(this.#share, "done", number);
    await this.#waitFor(`${result}.end`, script);
    const [code = 0, from = 0, to = 0] = readFileSync(`${result}.end`, "utf8").split(" ").map(Number);
    const [stdout, stderr] = ["out", "err"].map((end) => readFileSync(`${result}.${end}`, "utf8"));
    const ms = Math.round((to - from) * 1000);
    const real = ((performance.now() - began) / 1000).toFixed(1);
    this.#transcript.write(`${stdout}${stderr}--- ended with ${code} after ${ms} ms, really ${real} s\n`);
    return { code, stdout, stderr, ms };
  }

  async stop() {
    await this.#emulator.kill();
    await new Promise((resolve) => this.#transcript.end(resolve));
  }

  #signOfLife() {
    this.#lastSign = { at: performance.now(), cpuSeconds: this.#emulator.cpuSeconds() };
  }

  /** Waits for a file that the host's service lays down. */
  async #waitFor(path, what) {
    const deadline = performance.now() + SCRIPT_MS;
    while (!existsSync(path)) {
      const now = performance.now();
      const beat = modified(join(this.#share, "alive"));
      if (beat !== this.#lastBeat) this.#signOfLife();
      this.#lastBeat = beat;
      if (this.#emulator.isOver()) throw new Stalled(`the emulator ended while ${what}`);
      const silentMs = now - this.#lastSign.at;
      const used = this.#emulator.cpuSeconds() - this.#lastSign.cpuSeconds;
      if (silentMs > DEAD_MS || (silentMs > SILENCE.ms && used > SILENCE.cpuSeconds)) {
        const silence = `${Math.round(silentMs / 1000)} s (${Math.round(used)} s of processor time)`;
        throw new Stalled(`no sign of life for ${silence} while ${what}`);
      }
      if (now > deadline) throw new Stalled(`no end after ${SCRIPT_MS / 60_000} minutes while ${what}`);
      await delay(POLL_MS);
    }
  }
}

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}
