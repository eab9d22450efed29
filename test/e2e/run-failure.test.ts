// Proves how `pyro run` fails by itself: which exit code, which words, which JSON, and that nothing starts for bad usage.

import { existsSync } from "node:fs";
import { freemem } from "node:os";
import { expect, test } from "vitest";
import { openHome, sharedHome, type Home } from "./home.js";

const guest = ["--", "true"];

test("[usage-64] [daemon-on-demand] bad usage is refused by name with 64, before anything is started", async () => {
  await using home = openHome({ cold: true });
  const wrong = [
    { args: ["run", "debian:12", "--no-such-flag", ...guest], names: "--no-such-flag" },
    { args: ["run", "debian:12", "--mem-mb", "512", ...guest], names: "--mem-mib" },
    { args: ["run", "debian:12", "--mem-mib", "64", ...guest], names: "--mem-mib must be at least 128" },
    { args: ["run", "debian:12", "--mem-mib", "65537", ...guest], names: "--mem-mib must be at most 65536" },
    { args: ["run", "debian:12", "--mem-mib", "1.5", ...guest], names: "--mem-mib" },
    { args: ["run", "debian:12", "--mem-mib", "much", ...guest], names: "--mem-mib must be a number" },
    { args: ["run", "debian:12", "--mem-mib", ...guest], names: "--mem-mib needs a value" },
    { args: ["run", "debian:12", "--vcpu-count", "0", ...guest], names: "--vcpu-count must be at least 1" },
    { args: ["run", "debian:12", "--vcpu-count", "17", ...guest], names: "--vcpu-count must be at most 16" },
    { args: ["run", "debian:12", "--timeout-seconds", "0", ...guest], names: "--timeout-seconds must be at least 0.1" },
    { args: ["run", "debian:12", "--ttl-seconds", "0", ...guest], names: "--ttl-seconds must be at least 1" },
    { args: ["run", "../etc", ...guest], names: "ENV" },
    { args: ["run", ...guest], names: "ENV is missing" },
    { args: ["run", "debian:12"], names: "command for the guest is missing" },
    { args: ["run", "debian:12", "--"], names: "command for the guest is missing" },
    { args: ["run", "debian:12", "true"], names: 'Unexpected argument "true"' },
  ];
  const finished = await Promise.all(
    wrong.map(async ({ args, names }) => {
      const { code, stdout, stderr } = await home.pyro(args);
      return {
        code,
        stdout: stdout.toString(),
        named: stderr.startsWith("pyro: ") && stderr.includes(names) ? names : stderr,
      };
    }),
  );
  expect(finished).toEqual(wrong.map(({ names }) => ({ code: 64, stdout: "", named: names })));
  expect(home.processes()).toEqual([]);
});

test("[run-own-failure] [error-document] an environment that does not exist is 125, with the known ones as the hint", async () => {
  const home = sharedHome();
  const plain = await home.pyro(["run", "debian:99", ...guest]);
  expect([plain.code, plain.stdout.toString()]).toEqual([125, ""]);
  expect(plain.stderr).toMatch(/^pyro: There is no environment named "debian:99"\.\n {2}Use one of: .*debian:12/u);
  const json = await home.pyro(["run", "debian:99", "--json", ...guest]);
  expect(json.code).toBe(125);
  expect(errorOf(json.stdout)).toEqual({
    code: "not_found",
    message: 'There is no environment named "debian:99".',
    hint: expect.stringContaining("debian:12"),
  });
});

test("[error-document] bad usage and what is not built yet are documents as well", async () => {
  const home = sharedHome();
  const usage = await home.pyro(["run", "debian:12", "--json", "--no-such-flag", ...guest]);
  expect([usage.code, usage.stderr]).toEqual([64, ""]);
  expect(errorOf(usage.stdout)).toMatchObject({ code: "invalid_argument", hint: expect.stringMatching(/./u) });
  const planned = await home.pyro(["run", "debian:12", "--json", "--network", ...guest]);
  expect([planned.code, planned.stderr]).toEqual([64, ""]);
  expect(errorOf(planned.stdout)).toMatchObject({ code: "unsupported", message: "--network is not built yet." });
});

test("[admission] more memory than the host can give is refused with the numbers", async ({ skip }) => {
  const largest = 65_536;
  if (freemem() / 1024 / 1024 > largest) skip(`this host has more than ${largest} MiB free`);
  const home = sharedHome();
  const { code, stdout } = await home.pyro(["run", "debian:12", "--json", "--mem-mib", String(largest), ...guest]);
  expect(code).toBe(125);
  expect(errorOf(stdout)).toMatchObject({
    code: "resource_exhausted",
    message: expect.stringContaining(`${largest} MiB`),
    details: { available_mib: expect.any(Number) },
  });
});

test("[no-engine] without QEMU a run exits 69 and says what to install", async ({ skip }) => {
  await using home = openHome({ settings: { pool_size: 0 } });
  const hidden = await runWithoutQemu(home);
  if (hidden.stderr.startsWith("unshare:")) skip(`no mount namespace here: ${hidden.stderr.trim()}`);
  expect([hidden.code, hidden.stdout.toString()]).toEqual([69, ""]);
  expect(hidden.stderr).toMatch(/^pyro: .*qemu/iu);
  expect(hidden.stderr).toContain("qemu-system-x86");
});

test("[no-engine] without QEMU's firmware a run exits 69 at once and says which package has it", async ({ skip }) => {
  await using home = openHome({ settings: { pool_size: 0 } });
  const folder = "/usr/share/qemu";
  if (!existsSync(`${folder}/qboot.rom`)) skip(`this host has its firmware elsewhere than in ${folder}`);
  const INSIDE = `set -e; mount -t tmpfs none ${folder}; exec "$@" run debian:12 -- true`;
  const script = 'exec unshare --map-root-user --mount bash -c "$INSIDE" bash "$@"';
  const { code, stdout, stderr } = await home.shell(script, { env: { INSIDE } });
  if (stderr.startsWith("unshare:")) skip(`no mount namespace here: ${stderr.trim()}`);
  expect([code, stdout.toString()]).toEqual([69, ""]);
  expect(stderr).toMatch(/^pyro: QEMU's firmware qboot\.rom is missing/u);
  expect(stderr).toContain("qemu-system-data");
});

test("[home-too-long] a PYRO_HOME that leaves no room for sockets is refused with the way out", async () => {
  const path = `${sharedHome().path}/${"long".repeat(30)}`;
  const { code, stderr } = await sharedHome().run(["true"], { env: { PYRO_HOME: path } });
  expect(code).toBe(125);
  expect(stderr).toContain("too long");
  expect(stderr).toContain("Set PYRO_HOME to a shorter path");
});

/** In a mount namespace of its own where /usr/bin has everything but QEMU. */
function runWithoutQemu(home: Home) {
  const INSIDE = `
    set -e
    mkdir "$PYRO_HOME/bin" "$PYRO_HOME/links"
    mount --bind /usr/bin "$PYRO_HOME/bin"
    mount -t tmpfs none "$PYRO_HOME/links"
    ln -s "$PYRO_HOME"/bin/* "$PYRO_HOME/links"
    rm "$PYRO_HOME/links"/qemu-system-*
    mount --bind "$PYRO_HOME/links" /usr/bin
    exec "$@" run debian:12 -- true`;
  return home.shell('exec unshare --map-root-user --mount bash -c "$INSIDE" bash "$@"', { env: { INSIDE } });
}

function errorOf(stdout: Buffer): unknown {
  const document = JSON.parse(stdout.toString()) as { readonly error: unknown };
  expect(Object.keys(document)).toEqual(["error"]);
  return document.error;
}
