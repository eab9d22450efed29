// Runs inside one cell of the matrix: doctor, three runs by the clock, then the heart of the e2e suite. Writes what came of it to /out. Decides nothing.

import { spawn } from "node:child_process";
import { createWriteStream, readFileSync, writeFileSync } from "node:fs";

const HEART = process.argv.slice(2);
const CHECKOUT = "/checkout";
const env = {
  PATH: process.env.PATH,
  HOME: "/root",
  LC_ALL: "C.UTF-8",
  PYRO_HOME: "/tmp/h",
  PYRO_ENVIRONMENT_CACHE_DIR: "/environments",
  NO_COLOR: "1",
};

const result = { qemu: "", node: process.versions.node, runs_ms: [], passed: 0, failed: 0, skipped: [], note: "" };
try {
  const install = await run("install", pyro("env", "pull", "debian:12"));
  if (install.code !== 0) throw new Error(`env pull debian:12: ${lastLine(install.text)}`);
  const doctor = await run("doctor", pyro("doctor", "--json"));
  const report = JSON.parse(doctor.stdout);
  result.qemu = /QEMU (\S+)/.exec(report.findings.find(({ code }) => code === "engine")?.text ?? "")?.[1] ?? "?";
  if (!report.ok) throw new Error(`doctor: ${lastLine(doctor.text)}`);
  for (const name of ["first-run", "second-run", "third-run"]) {
    const { code, ms, text } = await run(name, pyro("run", "debian:12", "--", "uname", "-r"));
    if (code !== 0) throw new Error(`${name}: ${lastLine(text)}`);
    result.runs_ms.push(ms);
  }
  await run("stop", pyro("daemon", "stop"));
  const counts = "/out/counts.json";
  const reporters = ["--reporter=default", "--reporter=/checkout/scripts/vitest-counts.mjs"];
  const vitest = [
    process.execPath,
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    "e2e",
    ...reporters,
    ...HEART,
  ];
  await run("e2e", vitest, { PYRO_TEST_COUNTS: counts, PYRO_TEST_ENVIRONMENT_CACHE: "/environments" });
  Object.assign(result, JSON.parse(readFileSync(counts, "utf8")));
} catch (error) {
  result.failed += 1;
  result.note = error.message;
}
writeFileSync("/out/result.json", JSON.stringify(result, undefined, 2));

function pyro(...args) {
  return [process.execPath, `${CHECKOUT}/dist/pyro.js`, ...args];
}

/** Runs to its end, with a log of its own in /out. */
async function run(name, [program, ...args], more = {}) {
  const log = createWriteStream(`/out/${name}.log`);
  const began = performance.now();
  const child = spawn(program, args, { cwd: CHECKOUT, env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", text: "" };
  for (const stream of ["stdout", "stderr"]) {
    child[stream].setEncoding("utf8").on("data", (chunk) => {
      log.write(chunk);
      said.text += chunk;
      if (stream === "stdout") said.stdout += chunk;
    });
  }
  const code = await new Promise((resolve) => child.on("close", (status, signal) => resolve(status ?? signal)));
  await new Promise((resolve) => log.end(resolve));
  return { code, ms: Math.round(performance.now() - began), ...said };
}

function lastLine(text) {
  return text.trim().split("\n").at(-1) ?? "";
}
