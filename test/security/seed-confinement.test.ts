// Proves that a seed or a push holds nothing from outside the folder that was named, whatever is exchanged before whichever of its steps.
import { execFileSync } from "node:child_process";
import { buffer } from "node:stream/consumers";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { asPyroError } from "../../src/base/error.js";
import type { SeedStep } from "../../src/tree/seed/seed-cache.js";
import { openSeeds } from "../../src/tree/seed/seeds.js";
import { git, treeOf, unpack } from "../unit/tree/seed/tree.js";

vi.setConfig({ testTimeout: 120_000 });

const task = { signal: new AbortController().signal, progress: () => undefined };

let home: string;
let project: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "pyro-confined-")));
  project = join(home, "project");
  for (const folder of ["project/source/sub", "outside/sub"]) mkdirSync(join(home, folder), { recursive: true });
  writeFileSync(join(project, "source/sub/secret"), "own");
  writeFileSync(join(project, "source/last"), "own");
  for (const name of ["secret", "last", "sub/secret", "outsider"]) writeFileSync(join(home, "outside", name), outside);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const outside = "what nobody named";
const steps = ["open", "list", "read"] as const;
const victims = ["source", "source/sub", "source/sub/secret", "source/last"] as const;
const forms = ["folder", "checkout"] as const;
const cases = steps.flatMap((step) => victims.flatMap((victim) => forms.map((form) => ({ step, victim, form }))));

/** Replaces the victim before the step by a link to what lies outside. */
function exchangeAt({ step, victim, form }: (typeof cases)[number]): (step: SeedStep) => void {
  if (form === "checkout") {
    git(join(project, "source"), "init", "-q");
    git(join(project, "source"), "add", ".");
  }
  const isFile = victim.endsWith("secret") || victim.endsWith("last");
  let done = false;
  return (now) => {
    if (now !== step || done) return;
    done = true;
    renameSync(join(project, victim), join(home, "moved"));
    symlinkSync(join(home, isFile ? "outside/secret" : "outside"), join(project, victim));
  };
}

/** What lies in the archive or image, as text to look through; the error's code where there is none. */
async function outcome(work: () => Promise<string>): Promise<string> {
  return work().catch((error: unknown) => asPyroError(error).code);
}

function contentOf(folder: string): string {
  const files = Object.entries(treeOf(folder)).filter(([, { kind }]) => kind === "file");
  return (
    Object.keys(treeOf(folder)).join("\n") + files.map(([path]) => readFileSync(join(folder, path), "utf8")).join("\n")
  );
}

test.each(cases)("a seed of a $form, $victim exchanged before its step $step", async (each) => {
  const atStep = exchangeAt(each);
  const seeds = openSeeds({ seeds: join(home, "seeds"), repositories: join(home, "repositories"), atStep });
  const request = { seed_path: join(project, "source"), sshAgent: undefined, allowedRoots: [project] };
  const got = await outcome(async () => contentOf(unpack((await seeds.prepare(request, task)).imagePath, home)));
  expect(got).not.toContain(outside);
  expect(got).not.toContain("outsider");
  expect(got).not.toBe("internal");
  expect(got === "permission_denied").toBe(each.step === "open" && each.victim === "source");
});

test.each(cases)("a push of a $form, $victim exchanged before its step $step", async (each) => {
  const atStep = exchangeAt(each);
  const seeds = openSeeds({ seeds: join(home, "seeds"), repositories: join(home, "repositories"), atStep });
  const source = { path: join(project, "source"), allowedRoots: [project] };
  const got = await outcome(async () =>
    (await buffer((await seeds.openTree(source, task)).archive)).toString("latin1"),
  );
  expect(got).not.toContain(outside);
  expect(got).not.toContain("outsider");
  expect(got).not.toBe("internal");
  expect(got === "permission_denied").toBe(each.step === "open" && each.victim === "source");
});

test.each(steps)(
  "an archive that is exchanged before the step %s is read as it was named, or not at all",
  async (step) => {
    const [named, secret] = [join(project, "seed.tar"), join(home, "secret.tar")];
    execFileSync("tar", ["-cf", named, "-C", join(project, "source"), "."]);
    execFileSync("tar", ["-cf", secret, "-C", join(home, "outside"), "."]);
    let done = false;
    const atStep = (now: SeedStep) => {
      if (now !== step || done) return;
      done = true;
      renameSync(named, join(home, "moved.tar"));
      symlinkSync(secret, named);
    };
    const seeds = openSeeds({ seeds: join(home, "seeds"), repositories: join(home, "repositories"), atStep });
    const request = { seed_path: named, sshAgent: undefined, allowedRoots: [project] };
    const got = await outcome(async () => contentOf(unpack((await seeds.prepare(request, task)).imagePath, home)));
    expect(got).toBe(step === "open" ? "permission_denied" : "last\nsub\nsub/secretown\nown");
  },
);

test("what an export is about to publish is neither seeded nor pushed", async () => {
  const staging = join(project, "source/sub/.pyro-export-1-2-abcdef");
  mkdirSync(staging);
  writeFileSync(join(staging, "outsider"), outside);
  const seeds = openSeeds({ seeds: join(home, "seeds"), repositories: join(home, "repositories") });
  const source = join(project, "source");
  const { imagePath } = await seeds.prepare({ seed_path: source, sshAgent: undefined, allowedRoots: undefined }, task);
  expect(Object.keys(treeOf(unpack(imagePath, home)))).toEqual(["last", "sub", "sub/secret"]);
  const { archive } = await seeds.openTree({ path: source, allowedRoots: undefined }, task);
  expect((await buffer(archive)).toString("latin1")).not.toContain("pyro-export");
});

test("a repository that lies outside the roots is not followed by what content says", async () => {
  git(join(home, "outside"), "init", "-q");
  cpSync(join(home, "outside/.git"), join(home, "elsewhere"), { recursive: true });
  writeFileSync(join(home, "elsewhere/outsider"), outside);
  writeFileSync(join(project, "source/.git"), `gitdir: ${join(home, "elsewhere")}\n`);
  const seeds = openSeeds({ seeds: join(home, "seeds"), repositories: join(home, "repositories") });
  const request = { seed_path: join(project, "source"), sshAgent: undefined, allowedRoots: [project] };
  const got = await outcome(async () => contentOf(unpack((await seeds.prepare(request, task)).imagePath, home)));
  expect(got).not.toContain("outsider");
});
