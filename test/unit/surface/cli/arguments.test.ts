// Proves that arguments become the input they mean, and that what is wrong is refused by name.
import { afterEach, describe, expect, test } from "vitest";
import { PyroError } from "../../../../src/base/error.js";
import { parseCommandArguments } from "../../../../src/surface/cli/arguments.js";
import { longestMatch } from "../../../../src/surface/cli/command.js";
import { allCommands } from "../../../../src/surface/cli/commands.js";

let piped: string | undefined;
afterEach(() => {
  piped = undefined;
});

const texts = {
  read: (path: string) => Promise.resolve(path === "-" && piped !== undefined ? piped : `content of ${path}`),
  isPiped: () => piped !== undefined,
};

function command(line: string) {
  const found = longestMatch(allCommands(), line.split(" "));
  if (found === undefined) throw new Error(`no command in ${line}`);
  return found;
}

function parse(line: string) {
  const found = command(line);
  return parseCommandArguments(found, line.split(" ").slice(found.path.length), texts);
}

async function refusal(line: string) {
  try {
    await parse(line);
  } catch (error) {
    if (error instanceof PyroError) return [error.code, error.message, error.hint];
    throw error;
  }
  throw new Error(`accepted: ${line}`);
}

const defaults = {
  vcpu_count: 1,
  mem_mib: 1024,
  timeout_seconds: 300,
  ttl_seconds: 600,
  max_output_bytes: 134_217_728,
  allow_host_compat: false,
};

describe("pyro run", () => {
  test("flags, defaults and the command after `--` become the input", async () => {
    expect(await parse("run debian:12 --mem-mib 2048 --timeout-seconds=1.5 -- sh -c --mem-mib -- x")).toEqual({
      kind: "input",
      input: {
        ...defaults,
        environment: "debian:12",
        mem_mib: 2048,
        timeout_seconds: 1.5,
        command: ["sh", "-c", "--mem-mib", "--", "x"],
      },
    });
  });

  test("flags may stand before the environment, and the last of two counts", async () => {
    const parsed = await parse("run --mem-mib 512 --mem-mib 256 debian:12 -- true");
    expect(parsed).toEqual({
      kind: "input",
      input: { ...defaults, environment: "debian:12", mem_mib: 256, command: ["true"] },
    });
  });

  test("--help and -h are seen before `--` and not after it", async () => {
    expect(await parse("run --help")).toEqual({ kind: "help" });
    expect(await parse("run debian:12 -h -- true")).toEqual({ kind: "help" });
    expect(await parse("run debian:12 -- git --help")).toMatchObject({ kind: "input" });
  });
});

const help = "`pyro run --help` says what is accepted.";

test.each([
  [
    "run debian:12 --mem-mb 3 -- true",
    "invalid_argument",
    "Unknown flag --mem-mb.",
    "Did you mean --mem-mib? `pyro run --help` lists the flags.",
  ],
  ["run debian:12 -x -- true", "invalid_argument", "Unknown flag -x.", "`pyro run --help` lists the flags."],
  [
    "run debian:12 --network -- true",
    "unsupported",
    "--network is not built yet.",
    "It is planned with the guest network; leave it out until then.",
  ],
  ["run debian:12 --mem-mib 3 -- true", "invalid_argument", "--mem-mib must be at least 128.", help],
  ["run debian:12 --mem-mib 1e9 -- true", "invalid_argument", "--mem-mib must be at most 65536.", help],
  ["run ../x -- true", "invalid_argument", "ENV must look like debian:12.", help],
  [
    "run debian:12 git",
    "invalid_argument",
    'Unexpected argument "git".',
    "Commands for the guest follow `--`: pyro run debian:12 -- git",
  ],
  [
    "workspace exec fix ls -la --cwd",
    "invalid_argument",
    'Unexpected argument "ls".',
    "Commands for the guest follow `--`: pyro workspace exec fix -- ls -la --cwd",
  ],
  ...["-i", "-t", "-it"].map((flag) => [
    `workspace exec ${flag} fix -- bash`,
    "unsupported",
    `${flag.slice(0, 2)} would be --tty, which is not built yet.`,
    "It is planned with snapshots, shells, services, secrets and disks of workspaces; leave it out until then.",
  ]),
  [
    "workspace exec fix -w /srv -- ls",
    "invalid_argument",
    "Unknown flag -w.",
    "Did you mean --cwd? `pyro workspace exec --help` lists the flags.",
  ],
  ["env pull", "invalid_argument", "ENV is missing.", "Run `pyro env pull --help`."],
  ["env list more", "invalid_argument", 'Unexpected argument "more".', "Run `pyro env list --help`."],
  [
    "workspace exec x --secret-env A -- true",
    "unsupported",
    "--secret-env is not built yet.",
    "It is planned with snapshots, shells, services, secrets and disks of workspaces; leave it out until then.",
  ],
])("%s is refused with %s: %s", async (line, ...refused) => {
  expect(await refusal(line)).toEqual(refused);
});

test.each([
  ["run debian:12", "The command for the guest is missing."],
  ["run debian:12 --", "The command for the guest is missing."],
  ["run -- true", "ENV is missing."],
  ["run debian:12 --mem-mib abc -- true", '--mem-mib must be a number, but is "abc".'],
  ["run debian:12 --mem-mib -- true", "--mem-mib needs a value: --mem-mib N."],
  ["run debian:12 --mem-mib --vcpu-count 1 -- true", "--mem-mib needs a value: --mem-mib N."],
  ["mcp serve --profile nope", "--profile must be one of vm-run, workspace-core, workspace-full."],
])("%s is refused: %s", async (line, message) => {
  expect((await refusal(line))[1]).toBe(message);
});

describe("pyro workspace", () => {
  test("repeated flags make lists and maps, of which the last of one key counts", async () => {
    const parsed = await parse("workspace create --label a=1 --label b=x=y --label a=2 --seed-path . --id-only");
    expect(parsed).toMatchObject({
      input: { environment: "debian:12", labels: { a: "2", b: "x=y" }, seed_path: "." },
      selection: { field: "workspace_id", how: "line" },
    });
    expect(await parse("workspace update x --clear-label a --clear-label b --clear-name")).toMatchObject({
      input: { workspace_id: "x", clear_labels: ["a", "b"], clear_name: true, labels: {} },
    });
    expect(await parse("workspace diff x --path a --path b/c --output p.patch")).toMatchObject({
      input: { paths: ["a", "b/c"] },
      selection: { field: "patch", how: "file", path: "p.patch" },
    });
  });

  test("text comes from its flag or from a file, and a patch may follow its flag as it is", async () => {
    expect(await parse("workspace file write x a/b --text-file -")).toMatchObject({ input: { text: "content of -" } });
    expect(await parse("workspace file write x a/b --text hello")).toMatchObject({ input: { text: "hello" } });
    const patch = "--- a/x\n+++ b/x\n";
    expect(await parseCommandArguments(command("workspace patch apply"), ["x", "--patch", patch], texts)).toMatchObject(
      { input: { patch } },
    );
  });

  test("a patch that is piped in needs no flag and is read when it is sent, and what is named counts", async () => {
    piped = "--- a/x\n";
    expect(await parse("workspace patch apply x")).toMatchObject({ input: { patch_file: "-" } });
    expect(await parse("workspace patch apply x --patch-file /f")).toMatchObject({ input: { patch_file: "/f" } });
    expect((await refusal("workspace file write x y"))[1]).toBe("--text or --text-file is missing.");
  });

  test("an export goes to the last name of its path where nothing else is said", async () => {
    const outputs = ["dist/app.tar", "/workspace/dist/", ".", "src/..", "a b"].map(async (path) => {
      const parsed = await parseCommandArguments(command("workspace export"), ["x", path], texts);
      return parsed.kind === "input" ? parsed.input["output_path"] : parsed.kind;
    });
    expect(await Promise.all(outputs)).toEqual(["./app.tar", "./dist", "./workspace", "./workspace", "./a b"]);
    expect(await parse("workspace export x a/b --output c")).toMatchObject({ input: { output_path: "c" } });
  });

  test("several ids are as many calls, each id once, and --all is its own", async () => {
    expect(await parse("workspace delete a")).toMatchObject({ kind: "input", input: { workspace_id: "a" } });
    expect(await parse("workspace delete a b a c")).toMatchObject({
      kind: "several",
      chosen: ["a", "b", "c"].map((id) => ({ workspace_id: id })),
    });
    expect(await parse("workspace delete --all")).toMatchObject({ chosen: { all: true, yes: false } });
    expect(await parse("workspace delete --yes --all")).toMatchObject({ chosen: { all: true, yes: true } });
  });

  test("what is left out on the command line cannot be given", async () => {
    for (const [line, flag] of [
      ["workspace create --repo-url u", "--repo-url"],
      ["workspace exec x --wait-seconds 3 -- y", "--wait-seconds"],
    ] as const) {
      expect((await refusal(line)).slice(0, 2)).toEqual(["invalid_argument", `Unknown flag ${flag}.`]);
    }
  });

  test.each([
    ["workspace file write x y", "--text or --text-file is missing."],
    ["workspace file write x y --text a --text-file b", "--text and --text-file exclude each other."],
    ["workspace create --label a", '--label must be KEY=VALUE, but is "a".'],
    ["workspace create --label -=a", "--label.- is not a label's key."],
    ["workspace create --name UPPER", "--name must be 1 to 63 of a-z, 0-9 and -, not - at its ends."],
    ["workspace wait x", "SEQUENCE is missing."],
    ["workspace wait x y", 'SEQUENCE must be a number, but is "y".'],
    ["workspace delete", "ID is missing."],
    ["workspace delete a --all", '--all and "a" exclude each other.'],
    ["workspace patch apply x", "--patch or --patch-file is missing."],
    ["workspace stop a b", 'Unexpected argument "b".'],
    ["workspace exec x", "The command for the guest is missing."],
  ])("%s is refused: %s", async (line, message) => {
    expect((await refusal(line))[1]).toBe(message);
  });
});
