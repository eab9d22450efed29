// Proves that the environment cache holds whole environments or none, whoever dies, waits or damages it meanwhile.

import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tryLockFile } from "../../../src/base/lock.js";
import type { ProgressEvent, Task } from "../../../src/base/progress.js";
import type { EnvironmentSource } from "../../../src/environment/environment.js";
import { catalog } from "../../../src/environment/catalog.js";
import { writeSquashfs } from "../../../src/environment/squashfs.js";
import { openEnvironmentStore } from "../../../src/environment/store.js";

const NAME = "debian:12-base";
const SAFE = "debian%3A12-base";
const EPOCH = 1_700_000_000;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pyro-environments-"));
});
afterEach(async () => rm(root, { recursive: true, force: true }));

const forever = new AbortController().signal;

function task(onEvent: (event: ProgressEvent) => void = () => undefined, signal = forever): Task {
  return { signal, progress: onEvent };
}

interface FakeSource extends EnvironmentSource {
  builds: number;
}

/** Makes a real image of one small file; `before` runs first, in place of the long part of a build. */
function fakeSource(content = "hello\n", before: (task: Task) => Promise<void> = async () => undefined): FakeSource {
  const source: FakeSource = {
    name: "fake",
    builds: 0,
    unavailable: async () => undefined,
    async build(_name, imagePath, buildTask) {
      source.builds += 1;
      await before(buildTask);
      const script = `d=$(mktemp -d); printf '%s' "$1" > $d/greeting; tar -C $d --mtime=@${EPOCH} -c .; rm -r $d`;
      await writeSquashfs(
        {
          command: ["/bin/sh", "-c", script, "sh", content],
          env: { PATH: process.env["PATH"] },
          input: "",
          epoch: async () => EPOCH,
          exclude: [],
          onStderrLine: () => undefined,
          onBytes: () => undefined,
        },
        imagePath,
        buildTask.signal,
      );
      return { env: ["PATH=/bin"], packages: ["greeting=1"] };
    },
  };
  return source;
}

function open(source: EnvironmentSource) {
  return openEnvironmentStore({ root, sources: [source], clock: () => new Date(EPOCH * 1000) });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

async function onlyImage(): Promise<string> {
  const [image = ""] = await readdir(join(root, "images"));
  return join(root, "images", image);
}

describe("pull", () => {
  test("installs once, then finds it without building", async () => {
    const source = fakeSource();
    const store = open(source);
    expect(await store.find(NAME)).toBeUndefined();
    const first = await store.pull(NAME, task());
    expect(first.changed).toBe(true);
    expect(first.environment).toMatchObject({
      name: NAME,
      env: ["PATH=/bin"],
      source: "fake",
      installedAt: "2023-11-14T22:13:20.000Z",
    });
    expect(await store.pull(NAME, task())).toEqual({ environment: first.environment, changed: false });
    expect(await open(source).find(NAME)).toEqual(first.environment);
    expect({ builds: source.builds, tmp: await readdir(join(root, "tmp")) }).toEqual({ builds: 1, tmp: [] });
  });

  test("the same content is the same image", async () => {
    const first = await open(fakeSource()).pull(NAME, task());
    await rm(join(root, "installs"), { recursive: true });
    const second = await open(fakeSource()).pull(NAME, task());
    expect(second.environment.imageDigest).toBe(first.environment.imageDigest);
  });

  test("an unknown name is not_found with the known ones", async () => {
    await expect(open(fakeSource()).pull("debian:99", task())).rejects.toMatchObject({
      code: "not_found",
      hint: "Use one of: debian:12-base, debian:12, debian:12-build, debian:13.",
    });
  });

  test("no source that can serve is unavailable with each reason", async () => {
    const source = { ...fakeSource(), unavailable: async () => "the moon is wrong" };
    await expect(open(source).pull(NAME, task())).rejects.toMatchObject({
      code: "unavailable",
      message: `Nothing can install ${NAME} here: fake: the moon is wrong.`,
    });
  });

  test("several at once build once, and those that wait say so", async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const source = fakeSource("shared\n", () => released);
    const phases = [0, 1, 2].map(() => new Set<string>());
    const pulls = phases.map((seen) =>
      open(source).pull(
        NAME,
        task((event) => {
          seen.add(event.phase);
          if (phases.filter((one) => one.has("wait")).length === 2) release();
        }),
      ),
    );
    const results = await Promise.all(pulls);
    expect(results.filter((result) => result.changed)).toHaveLength(1);
    expect(new Set(results.map((result) => result.environment.imageDigest)).size).toBe(1);
    expect(source.builds).toBe(1);
  });

  test("a waiting pull takes over when the builder gives up", async () => {
    const builder = new AbortController();
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const stuck = fakeSource("never\n", async (buildTask) => {
      begin();
      await aborted(buildTask.signal);
    });
    const failing = open(stuck)
      .pull(NAME, task(undefined, builder.signal))
      .catch((error: unknown) => error);
    await begun;
    const waiter = fakeSource("taken over\n");
    const result = await open(waiter).pull(
      NAME,
      task((event) => {
        if (event.phase === "wait") builder.abort();
      }),
    );
    expect(await failing).toMatchObject({ name: "AbortError" });
    expect({ changed: result.changed, builds: waiter.builds }).toEqual({ changed: true, builds: 1 });
  });

  test("an abort ends the build's programs, leaves no half-made files and installs nothing", async () => {
    const abort = new AbortController();
    const source: EnvironmentSource = {
      ...fakeSource(),
      async build(_name, imagePath, buildTask) {
        await writeSquashfs(
          {
            command: ["/bin/sh", "-c", "echo started >&2; sleep 1000 & wait"],
            env: { PATH: process.env["PATH"] },
            input: "",
            epoch: async () => EPOCH,
            exclude: [],
            onStderrLine: () => abort.abort(),
            onBytes: () => undefined,
          },
          imagePath,
          buildTask.signal,
        );
        return { env: [], packages: [] };
      },
    };
    await expect(open(source).pull(NAME, task(undefined, abort.signal))).rejects.toMatchObject({ name: "AbortError" });
    expect(await readdir(join(root, "tmp"))).toEqual([]);
    expect(await open(source).find(NAME)).toBeUndefined();
  });

  test("a producer that fails in mid-stream is an error, not a short image", async () => {
    const source: EnvironmentSource = {
      ...fakeSource(),
      async build(_name, imagePath, buildTask) {
        const producer = {
          command: ["/bin/sh", "-c", "tar -C / -c etc/passwd; echo E: the mirror burned >&2; exit 3"],
          env: { PATH: process.env["PATH"] },
          input: "",
          epoch: async () => EPOCH,
          exclude: [],
          onStderrLine: () => undefined,
          onBytes: () => undefined,
        };
        await writeSquashfs(producer, imagePath, buildTask.signal);
        return { env: [], packages: [] };
      },
    };
    await expect(open(source).pull(NAME, task())).rejects.toThrow(/ended with 3: E: the mirror burned/u);
    expect(await readdir(join(root, "images"))).toEqual([]);
  });
});

describe("a damaged install", () => {
  const damages: Record<string, () => Promise<void>> = {
    "missing image": async () => rm(await onlyImage()),
    "shortened image": async () => {
      await chmod(await onlyImage(), 0o600);
      await truncate(await onlyImage(), 100);
    },
    "image with other bytes of the same length": async () => {
      const path = await onlyImage();
      const { length } = await readFile(path);
      await rm(path);
      await writeFile(path, Buffer.alloc(length, 7));
    },
    "garbled manifest": async () => writeFile(join(root, "installs", `${SAFE}.json`), '{"format": 1, "na'),
    "manifest with an unknown field": async () => {
      const path = join(root, "installs", `${SAFE}.json`);
      const manifest = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
      await writeFile(path, JSON.stringify({ ...manifest, extra: 1 }));
    },
    "folder in the manifest's place": async () => {
      const path = join(root, "installs", `${SAFE}.json`);
      await rm(path);
      await mkdir(path);
    },
  };

  for (const [damage, apply] of Object.entries(damages)) {
    test(`${damage}: is listed as broken, then repaired by the next pull`, async () => {
      const store = open(fakeSource());
      const { environment } = await store.pull(NAME, task());
      await apply();
      expect(await store.find(NAME)).toBeUndefined();
      expect((await store.list()).map((one) => one.state)).toEqual([
        "broken",
        ...catalog.slice(1).map(() => "not_installed"),
      ]);
      expect((await store.inspect(NAME, forever)).state).toBe("broken");
      const repaired = await store.pull(NAME, task());
      expect(repaired.changed).toBe(true);
      expect(repaired.environment.imageDigest).toBe(environment.imageDigest);
      expect((await store.inspect(NAME, forever)).state).toBe("installed");
    });
  }

  test("an image that was only copied is verified once and stays installed", async () => {
    const store = open(fakeSource());
    const { environment } = await store.pull(NAME, task());
    const content = await readFile(environment.imagePath);
    await writeFile(`${environment.imagePath}.copy`, content);
    await rename(`${environment.imagePath}.copy`, environment.imagePath);
    const manifestPath = join(root, "installs", `${SAFE}.json`);
    const before = await readFile(manifestPath, "utf8");
    expect(await store.find(NAME)).toEqual(environment);
    const after = await readFile(manifestPath, "utf8");
    expect(after).not.toBe(before);
    expect(await store.find(NAME)).toEqual(environment);
    expect(await readFile(manifestPath, "utf8")).toBe(after);
  });
});

describe("prune", () => {
  test("removes what no install names and what dead pulls left, and nothing else", async () => {
    const store = open(fakeSource());
    const { environment } = await store.pull(NAME, task());
    await writeFile(join(root, "images", `${"0".repeat(64)}.squashfs`), "12345");
    await mkdir(join(root, "tmp", "debian%3A12"), { recursive: true });
    await writeFile(join(root, "tmp", "debian%3A12", "image.squashfs"), "1234567890");
    await writeFile(join(root, "installs", `${SAFE}.json.0123456789ab.tmp`), "{");
    expect(await store.prune(forever)).toEqual({
      removed: ["debian%3A12", `${"0".repeat(64)}.squashfs`, `${SAFE}.json.0123456789ab.tmp`],
      freedBytes: 16,
    });
    expect(await store.find(NAME)).toEqual(environment);
    expect(await store.prune(forever)).toEqual({ removed: [], freedBytes: 0 });
  });

  test("leaves alone what a running pull makes", async () => {
    await mkdir(join(root, "tmp", "debian%3A12"), { recursive: true });
    await mkdir(join(root, "locks"));
    await using _lock = await tryLockFile(join(root, "locks", "debian%3A12.lock"), forever);
    expect(await open(fakeSource()).prune(forever)).toEqual({ removed: [], freedBytes: 0 });
  });

  test("works on a cache that does not exist yet", async () => {
    await rm(root, { recursive: true });
    expect(await open(fakeSource()).prune(forever)).toEqual({ removed: [], freedBytes: 0 });
  });
});
