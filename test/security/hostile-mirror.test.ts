// Proves what a Debian mirror can do that has no valid signature to offer: nothing but fail, in time and in few words. Starts no machine.
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { asPyroError } from "../../src/base/error.js";
import { mirrorSource } from "../../src/environment/mirror-source.js";

/** Nobody names a mirror: that of the host's apt counts. */
const unnamed = { find: () => Promise.resolve(undefined), line: () => Promise.resolve("") };
const ground = (aptFolder: string) => ({ aptFolder, mirror: unnamed });

const missing = await mirrorSource(ground("/etc/apt")).unavailable("debian:12-base");
if (missing !== undefined && process.env["PYRO_REQUIRE"] !== undefined) throw new Error(missing);

// mmdebstrap takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let server: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pyro-hostile-mirror-"));
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a pull from such a mirror says. */
async function pull(answer: RequestListener, buildTimeoutMs: number): Promise<string> {
  server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const apt = join(folder, "apt");
  mkdirSync(apt);
  writeFileSync(join(apt, "sources.list"), `deb http://127.0.0.1:${port}/debian bookworm main\n`);
  mkdirSync(join(folder, "draft"));
  const imagePath = join(folder, "draft", "image");
  const task = { signal: new AbortController().signal, progress: () => undefined };
  const text = await mirrorSource(ground(apt), { buildTimeoutMs })
    .build("debian:12-base", imagePath, task)
    .then(
      () => "built",
      (error: unknown) => `${asPyroError(error).code}: ${asPyroError(error).message}`,
    );
  return existsSync(imagePath) ? "an image is there" : text;
}

test("a redirect to a file of the host's is not followed", async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  const secret = join(folder, "secret");
  writeFileSync(secret, "Origin: SECRET-OF-THE-HOST\n");
  const asked: string[] = [];
  const text = await pull(({ url = "" }, response) => {
    asked.push(url);
    response.writeHead(302, { location: `file://${secret}` }).end();
  }, 60_000);
  expect({ asked: asked.length > 0, code: text.split(":")[0], leaks: text.includes("SECRET-OF") }).toEqual({
    asked: true,
    code: "unavailable",
    leaks: false,
  });
});

test("a Release file without end and without a signature fails, and nothing is kept", async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  const text = await pull((_request, response) => {
    const more = () => {
      while (response.write("Origin: Debian\n".repeat(10_000)));
    };
    response.writeHead(200).on("drain", more);
    more();
  }, 60_000);
  expect([text.split(":")[0], text.length < 5000]).toEqual(["unavailable", true]);
});

test("a mirror that sends a byte now and then is given up in time", async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  const text = await pull((_request, response) => {
    response.writeHead(200, { "content-length": "5000000" });
    const timer = setInterval(() => response.write("x"), 100);
    response.on("close", () => clearInterval(timer));
  }, 3000);
  expect(text).toMatch(/^deadline_exceeded: The mirror took longer than 0\.05 minutes: http:\/\/127\.0\.0\.1/u);
});
