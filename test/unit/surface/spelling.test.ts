// Proves that one sentence is spelled by each surface as its callers write calls, and that clients and daemons of different code understand each other.
import { expect, test } from "vitest";
import { PyroError } from "../../../src/base/error.js";
import { asSaid, call, either, field, say, sayAll, spell, type Said } from "../../../src/base/say.js";
import { errorOf } from "../../../src/client/call.js";
import { errorBodyOf, errorLine } from "../../../src/daemon/protocol.js";
import { spellForTerminal } from "../../../src/surface/cli/speaker.js";
import { toolSpeaker } from "../../../src/surface/mcp/speaker.js";
import { toolsOf } from "../../../src/surface/mcp/tools.js";
import { methodSpeaker } from "../../../src/surface/sdk/speaker.js";

const core = toolSpeaker(toolsOf({ profile: "workspace-core" }));
const oneShot = toolSpeaker(toolsOf({ profile: "vm-run" }));

/** What the callers of each surface read. */
async function spellings(said: Said) {
  const terminal = await spellForTerminal(said);
  return {
    terminal,
    core: spell(said, core),
    oneShot: spell(said, oneShot),
    program: spell(said, methodSpeaker),
    plain: said.plain,
  };
}

test("a call is a command, a tool or a method", async () => {
  expect(await spellings(say`Reset it by ${call("workspace_reset", { workspace_id: "w-1" })}.`)).toEqual({
    terminal: "Reset it by `pyro workspace reset w-1`.",
    core: "Reset it by workspace_reset with workspace_id w-1.",
    // The server has no such tool, and the sentence nothing else to say: as the wire has it.
    oneShot: 'Reset it by workspace_reset with workspace_id "w-1".',
    program: 'Reset it by `pyro.resetWorkspace({ workspaceId: "w-1" })`.',
    plain: 'Reset it by workspace_reset with workspace_id "w-1".',
  });
});

test("what no tool and no method does is for the user, in a terminal", async () => {
  expect(await spellings(say`${call("doctor", { fix: true })} measures again.`)).toEqual({
    terminal: "`pyro doctor --fix` measures again.",
    core: "`pyro doctor --fix` (which the user runs in a terminal) measures again.",
    oneShot: "`pyro doctor --fix` (which the user runs in a terminal) measures again.",
    program: "`pyro doctor --fix` in a terminal measures again.",
    plain: "doctor with fix true measures again.",
  });
});

test("a field is a flag, an argument or a property; where a surface lacks it, the sentence does without", async () => {
  const said = say`Name another output${either(say`, or pass ${field("workspace_export", "force", true)} to replace it`)}.`;
  expect(await spellings(said)).toEqual({
    terminal: "Name another output, or pass --force to replace it.",
    core: "Name another output.",
    oneShot: "Name another output.",
    program: "Name another output, or pass force: true to replace it.",
    plain: "Name another output, or pass force true to replace it.",
  });
});

test("what the user chose for a server is the user's to change", () => {
  const said = say`Name a branch by ${field("workspace_create", "repo_ref")}.`;
  expect(spell(said, core)).toBe(
    "Name a branch by --repo-ref, which only the user can give when the server is started.",
  );
});

test("a command line is one that a shell takes: what is missing in capitals, the rest quoted", async () => {
  const lines = await Promise.all(
    [
      say`${call("workspace_reset")}`,
      say`${call("workspace_logs", { workspace_id: "a b" })}`,
      say`${call("workspace_diff", { workspace_id: "w", paths: ["it's", "b"] })}`,
      say`${call("vm_run", { environment: "debian:12", mem_mib: 2048, command: ["sh", "-c", "exit 3"] })}`,
      say`${call("workspace_create")}`,
    ].map(spellForTerminal),
  );
  expect(lines).toEqual([
    "`pyro workspace reset ID`",
    "`pyro workspace logs 'a b'`",
    "`pyro workspace diff w --path 'it'\\''s' --path b`",
    "`pyro run debian:12 --mem-mib 2048 -- sh -c 'exit 3'`",
    "`pyro workspace create`",
  ]);
});

test("a call with a field that a surface does not take is none there", async () => {
  const said = say`${either(say`${call("workspace_logs", { workspace_id: "w", sequence: 3 })} reads it`, say`It is gone`)}.`;
  expect(await spellings(said)).toMatchObject({
    terminal: "It is gone.",
    core: "workspace_logs with workspace_id w, sequence 3 reads it.",
    oneShot: "It is gone.",
  });
});

test("sentences are joined with their calls; a text is a sentence without any", async () => {
  const said = sayAll(["First.", say`${call("env_prune")} frees room.`, ""]);
  expect([await spellForTerminal(said), await spellForTerminal(asSaid("Only text: pyro doctor."))]).toEqual([
    "First. `pyro env prune` frees room.",
    "Only text: pyro doctor.",
  ]);
});

const error = new PyroError("unavailable", "It broke.", { hint: say`${call("doctor")} tells why.` });
const onTheWire = (body: unknown) => errorOf(errorLine.parse(JSON.parse(JSON.stringify({ error: body }))));

test("an error crosses the wire with its calls; the client's surface spells them", async () => {
  const arrived = onTheWire(errorBodyOf(error));
  expect([arrived.hint, await spellForTerminal(arrived.said), spell(arrived.said, methodSpeaker)]).toEqual([
    "doctor tells why.",
    "`pyro doctor` tells why.",
    "`pyro doctor` in a terminal tells why.",
  ]);
});

test("an error without calls is on the wire what it always was", () => {
  expect(errorBodyOf(new PyroError("not_found", "Gone.", { hint: "Look elsewhere." }))).toEqual({
    code: "not_found",
    message: "Gone.",
    hint: "Look elsewhere.",
  });
});

test("a daemon of earlier code sends a hint in words, which stays as it is", async () => {
  const arrived = onTheWire({ code: "unavailable", message: "It broke.", hint: "Run `pyro doctor`." });
  expect(await spellForTerminal(arrived.said)).toBe("Run `pyro doctor`.");
});

test("a client of earlier code reads the hint in words and knows nothing of its parts", () => {
  const { hint, hint_parts: parts } = errorBodyOf(error);
  expect([hint, parts?.length]).toEqual(["doctor tells why.", 2]);
});

test("parts or calls of a kind that this code does not know leave the hint in words", async () => {
  const body = { code: "unavailable", message: "It broke.", hint: "In words." };
  const unknownKind = onTheWire({ ...body, hint_parts: ["See ", { picture: "x" }] });
  const unknownCall = onTheWire({ ...body, hint_parts: ["See ", { call: "workspace_fly", input: {} }] });
  const unknownField = onTheWire({ ...body, hint_parts: ["See ", { field: "wings", of: "workspace_create" }] });
  for (const { said } of [unknownKind, unknownCall, unknownField]) {
    expect([await spellForTerminal(said), spell(said, core), spell(said, methodSpeaker)]).toEqual([
      "In words.",
      "In words.",
      "In words.",
    ]);
  }
});
