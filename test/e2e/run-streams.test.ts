// Proves that what a guest's program reads and writes through `pyro run` arrives whole, in order, and without waiting for more.

import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { openHome, sharedHome } from "./home.js";

const home = sharedHome();
const mebibyte = 1024 * 1024;

test("[output-whole] 50 MB of binary output arrive as they were written", async () => {
  const script = `head -c ${50 * mebibyte} /dev/urandom > /tmp/data; sha256sum < /tmp/data >&2; cat /tmp/data`;
  const { code, stdout, stderr } = await home.run(["sh", "-c", script]);
  expect([code, stdout.length]).toEqual([0, 50 * mebibyte]);
  expect(`${sha256(stdout)}  -\n`).toBe(stderr);
});

test("[output-whole] [output-apart] 10,000 lines on each stream arrive apart and in order", async () => {
  const script = "i=0; while [ $i -lt 10000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done";
  const { code, stdout, stderr } = await home.run(["sh", "-c", script]);
  const lines = (name: string) => Array.from({ length: 10_000 }, (_, index) => `${name} ${index}\n`).join("");
  expect(code).toBe(0);
  expect(stdout.toString()).toBe(lines("out"));
  expect(stderr).toBe(lines("err"));
});

test("[output-live] output arrives while the command still runs", async () => {
  const started = home.startRun(["sh", "-c", "echo first; read line; echo $line"], { stdin: "open" });
  await started.printed("first\n");
  started.child.stdin?.end("second\n");
  const { code, stdout } = await started.finished;
  expect([code, stdout.toString()]).toEqual([0, "first\nsecond\n"]);
});

test("[stdin-whole] 20 MB on standard input arrive as they were sent", async () => {
  const data = randomBytes(20 * mebibyte);
  const { code, stdout } = await home.run(["sha256sum"], { stdin: data });
  expect([code, stdout.toString()]).toEqual([0, `${sha256(data)}  -\n`]);
});

test("[stdin-none] closed, empty, /dev/null and terminal inputs are empty inputs", async () => {
  const finished = await Promise.all([
    home.run(["wc", "-c"]),
    home.run(["wc", "-c"], { stdin: Buffer.alloc(0) }),
    home.shell('"$@" run debian:12 -- wc -c <&-'),
    home.shell('file=$(mktemp); "$@" run debian:12 -- wc -c < "$file"; rm "$file"'),
    home.shell('script --quiet --return --command "$* run debian:12 -- wc -c" /dev/null'),
  ]);
  expect(finished.map(({ code, stdout }) => [code, stdout.toString().trim()])).toEqual(finished.map(() => [0, "0"]));
});

test("[stdin-unread] a command that does not read its input ends when it ends, whatever is still to come", async () => {
  const finished = await Promise.all([
    home.run(["true"], { stdin: "open" }),
    home.run(["true"], { stdin: Buffer.alloc(20 * mebibyte) }),
    home.shell('yes | "$@" run debian:12 -- true'),
  ]);
  expect(finished.map(({ code, stdout }) => [code, stdout.length])).toEqual(finished.map(() => [0, 0]));
});

test("[daemonised-child] a child that keeps standard output open does not hold up the end", async () => {
  const script = "setsid sleep 1000 & (sleep 1000 &) ; echo done";
  const { code, stdout, stderr } = await home.run(["sh", "-c", script]);
  expect([code, stdout.toString(), stderr]).toEqual([0, "done\n", ""]);
});

test("[output-closed] when nobody reads the output any more, the run ends and its machine goes", async () => {
  await using own = openHome({ settings: { pool_size: 0 } });
  const { stdout } = await own.shell('"$@" run debian:12 -- yes | head -1; echo "${PIPESTATUS[0]}"');
  expect(stdout.toString()).toBe("y\n141\n");
  await own.emptied();
});

test("[output-bounded] of output that nobody takes live, 64 MiB a stream are kept and the rest is counted", async () => {
  const script = `head -c ${65 * mebibyte} /dev/zero | tr '\\0' x`;
  const { code, stdout } = await home.pyro(["run", "debian:12", "--json", "--", "sh", "-c", script]);
  const { stdout: kept, ...rest } = JSON.parse(stdout.toString()) as { readonly stdout: string };
  expect([code, kept.length, /^x*$/u.test(kept)]).toEqual([0, 64 * mebibyte, true]);
  expect(rest).toMatchObject({ dropped_bytes: mebibyte, stdout_truncated: true, stderr_truncated: false });
});

function sha256(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
