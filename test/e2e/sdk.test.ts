// Proves that the bundled SDK works for a program that imports it, with real machines behind it.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { runFolder, startProgram } from "./command.js";
import { openHome, sharedHome, type Home } from "./home.js";
import { idle, nothing } from "./idle.js";

const home = sharedHome();

/** Runs a module that imports the built package, as node would run a user's. */
async function runModule(source: string, { env }: Home = home) {
  const folder = await mkdtemp(join(runFolder(), "sdk-"));
  try {
    const file = join(folder, "program.mjs");
    const entry = pathToFileURL(join(runFolder(), "dist", "index.js")).href;
    await writeFile(file, source.replaceAll('"pyro-mcp"', JSON.stringify(entry)));
    return await startProgram([process.execPath, file], { env }).finished;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("[sdk-example] the example of the reference runs as it stands", async () => {
  const page = await readFile(join(import.meta.dirname, "..", "..", "docs", "reference", "sdk.md"), "utf8");
  const example = /```ts\n([^]*?)```/u.exec(page)?.[1] ?? "";
  const { code, stdout, stderr } = await runModule(example);
  expect([code, stdout.toString()]).toEqual([0, expect.stringMatching(/^0 git version 2\.\S+\n\n$/u)]);
  expect(stderr).toContain("not_found Use one of: debian:12");
});

test("[sdk-streams] output streams apart, standard input is passed on, and the process ends by itself", async () => {
  const { code, stdout, stderr } = await runModule(`
    import { Readable } from "node:stream";
    import { Pyro } from "pyro-mcp";
    const streams = { stdout: "", stderr: "" };
    const result = await new Pyro().runInVm(
      { environment: "debian:12", command: "cat; echo err >&2; exit 5" },
      { stdin: Readable.from([Buffer.from("in")]), onOutput: (stream, data) => void (streams[stream] += Buffer.from(data).toString()) },
    );
    console.log(JSON.stringify({ streams, exitCode: result.exitCode, kept: result.stdout }));
  `);
  expect({ code, stderr, ...JSON.parse(stdout.toString()) }).toEqual({
    code: 0,
    stderr: "",
    streams: { stdout: "in", stderr: "err\n" },
    exitCode: 5,
    kept: "",
  });
});

test("[sdk-cancel] a signal cancels the call, which fails with a PyroError, and its machine goes", async () => {
  await using own = openHome();
  const { code, stdout } = await runModule(
    `
    import { Pyro, PyroError } from "pyro-mcp";
    const stop = new AbortController();
    const onProgress = ({ phase }) => phase === "command" && stop.abort();
    const call = new Pyro().runInVm({ environment: "debian:12", command: "sleep 60" }, { signal: stop.signal, onProgress });
    const error = await call.catch((thrown) => thrown);
    console.log(error instanceof PyroError, error.code);
  `,
    own,
  );
  expect([code, stdout.toString()]).toEqual([0, "true canceled\n"]);
  expect(await idle(own)).toEqual(nothing);
});

test("[sdk-server] createServer gives an MCP server to embed", async () => {
  const { code, stdout } = await runModule(`
    import { createServer } from "pyro-mcp";
    const server = await createServer({ profile: "vm-run" });
    console.log(typeof server.connect);
  `);
  expect([code, stdout.toString()]).toEqual([0, "function\n"]);
});
