// Proves that what MCP clients are told about pyro fits what chat hosts accept.
import { expect, test } from "vitest";
import { profiles } from "../../src/operations/operation.js";
import { modes } from "../../src/operations/serve-choices.js";
import { loadedFirst } from "../../src/surface/mcp/loading.js";
import { listedTools } from "../../src/surface/mcp/listed-tools.js";
import { instructionsOf } from "../../src/surface/mcp/instructions.js";
import { modeShapes } from "../../src/surface/mcp/modes.js";
import { answerTimeFor, leastTime, patientClients } from "../../src/surface/mcp/answer-time.js";
import { annotationsOf, toolsOf } from "../../src/surface/mcp/tools.js";
import { checkoutFiles } from "./checkout.js";

const tools = [
  ...new Map(
    profiles.flatMap((profile) => toolsOf({ profile }).map(({ tool }) => [tool.name, tool] as const)),
  ).values(),
];

function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/gu, "")
    .replaceAll(" ", "-");
}

/** Every schema inside a schema, with where it is. */
function* schemasIn(value: unknown, path: string): Generator<readonly [string, Readonly<Record<string, unknown>>]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [path, Object.fromEntries(Object.entries(value))];
  for (const [key, inner] of Object.entries(value)) yield* schemasIn(inner, `${path}.${key}`);
}

test.each(tools)("the input schema of $name is one flat object that every host accepts", ({ name, inputSchema }) => {
  expect(inputSchema).toMatchObject({ type: "object", additionalProperties: false });
  expect(
    Object.keys(inputSchema).filter((key) => ["anyOf", "oneOf", "allOf", "$schema", "$defs"].includes(key)),
  ).toEqual([]);
  for (const [path, schema] of schemasIn(inputSchema, name)) {
    expect({ path, refersElsewhere: "$ref" in schema }).toEqual({ path, refersElsewhere: false });
    const isNumber = schema["type"] === "integer" || schema["type"] === "number";
    const bounds = [schema["minimum"], schema["maximum"]];
    // What no schema bounds shows as the largest number there is.
    const isBounded = bounds.every((bound) => typeof bound === "number" && Math.abs(bound) < Number.MAX_SAFE_INTEGER);
    expect({ path, isUnboundedNumber: isNumber && !isBounded }).toEqual({ path, isUnboundedNumber: false });
    const isOpenText = schema["type"] === "string" && schema["maxLength"] === undefined && schema["enum"] === undefined;
    expect({ path, isOpenText }).toEqual({ path, isOpenText: false });
  }
});

test.each(tools)(
  "$name tells hosts what it does to the world, and has no output schema",
  ({ annotations, ...tool }) => {
    expect(annotations).toEqual({
      readOnlyHint: expect.any(Boolean),
      destructiveHint: expect.any(Boolean),
      idempotentHint: expect.any(Boolean),
      openWorldHint: false,
    });
    expect("outputSchema" in tool).toBe(false);
    expect((tool.description ?? "").length).toBeLessThanOrEqual(600);
  },
);

test("whether a call reaches the world beyond this host is what its operation says", () => {
  const hints = [{}, { openWorld: true }, { openWorld: false }].map((more) =>
    annotationsOf({ effect: "change", ...more }),
  );
  expect(hints.map(({ openWorldHint }) => openWorldHint)).toEqual([false, true, false]);
});

test("a call that works on gets as long as leaves time to answer, whatever the model asks for", () => {
  const byName = new Map(toolsOf({ profile: "workspace-core" }).map((each) => [each.tool.name, each]));
  const waits = (name: string, given: object) => byName.get(name)?.toInput({ ...given }, leastTime)["wait_seconds"];
  expect([
    waits("workspace_exec", { command: "true" }),
    waits("workspace_create", {}),
    waits("workspace_wait", { wait_seconds: 45 }),
    waits("workspace_wait", { wait_seconds: 2 }),
    waits("workspace_status", {}),
  ]).toEqual([40, 40, 43, 2, undefined]);
});

test("a call takes longer than 45 s only for a client that was seen to wait, from that version on, and that hears of it", () => {
  const answer = (name: string, version: string, hears = true) => answerTimeFor({ name, version }, hears).answer;
  for (const { name, version, answer: most } of patientClients) {
    expect([answer(name, version), answer(name, `${version}-rc.1`), answer(name, "99.0.0")]).toEqual([
      most,
      most,
      most,
    ]);
    expect([answer(name, version, false), answer(name, "0.0.9"), answer(name, "newest")]).toEqual([45, 45, 45]);
  }
  expect([answerTimeFor(undefined, true).answer, answer("other", "9.9.9"), answer("claude-code", "2.1.331")]).toEqual([
    ...[45, 45, 45],
  ]);
});

test("each row of patient clients has its recorded proof, with a limit beyond what it is given", () => {
  const document = checkoutFiles((path) => path === "docs/integrations/call-limits.md").map(({ text }) => text);
  const proofs = [...document.join("").matchAll(/^## (.+)\n([^]*?)(?=^## |(?![^]))/gmu)];
  for (const { name, version, answer, proof } of patientClients) {
    const [, , text = ""] = proofs.find(([, title = ""]) => anchorOf(title) === proof) ?? [];
    expect(text).toContain(`\`${name}\` ${version}`);
    const [, seconds] = /waited (\d+) s with progress/u.exec(text) ?? [];
    expect({ name, isProven: Number(seconds) > answer }).toEqual({ name, isProven: true });
  }
});

test("a host that loads tools on demand has the main loop from the start, and finds each other tool by its words", () => {
  const { first, found } = { first: "anthropic/alwaysLoad", found: "anthropic/searchHint" };
  for (const { name, _meta = {} } of tools) {
    const isFound = typeof _meta[found] === "string" && _meta[found].length <= 80;
    expect({ name, how: [_meta[first] === true, isFound].filter(Boolean).length }).toEqual({ name, how: 1 });
  }
  const core = toolsOf({ profile: "workspace-core" }).map(({ tool }) => tool);
  expect(loadedFirst(core)).toEqual([
    ...["workspace_create", "workspace_status", "workspace_exec", "workspace_wait", "workspace_logs"],
    ...["workspace_file_read", "workspace_file_write", "workspace_patch_apply", "workspace_diff", "workspace_export"],
    ...["workspace_reset", "workspace_delete"],
  ]);
  expect(loadedFirst(toolsOf({ profile: "vm-run" }).map(({ tool }) => tool))).toEqual(["vm_run"]);
});

test("the first words of the instructions name what to load, and nothing that is not offered", () => {
  for (const mode of [undefined, ...modes]) {
    const offered = toolsOf({ profile: "workspace-core", mode }).map(({ tool }) => tool);
    const facts = { tools: offered.map(({ name }) => name), loadedFirst: loadedFirst(offered), sourceText: "" };
    const [line = ""] = instructionsOf(facts).split("\n");
    const [, names = ""] = /^Load first, where tools are loaded on demand: workspace_\{(.*)\}\.$/u.exec(line) ?? [];
    expect(names.split(",").map((name) => `workspace_${name}`)).toEqual(loadedFirst(offered));
  }
});

test.each([undefined, "ubuntu:24.04"])("a server lists the tools that it calls (environment %s)", (environment) => {
  for (const profile of profiles) {
    for (const mode of [undefined, ...modes]) {
      const choice = { profile, mode, environment };
      expect(JSON.parse(JSON.stringify(listedTools(choice)))).toEqual(
        JSON.parse(JSON.stringify(toolsOf(choice).map(({ tool }) => tool))),
      );
    }
  }
});

test("instructions and tool lists stay within what hosts keep", () => {
  const sourceText = `the project /${"x".repeat(4096)}`;
  for (const profile of profiles) {
    for (const text of ["", sourceText]) {
      for (const mode of [undefined, ...modes]) {
        const offered = toolsOf({ profile, mode }).map(({ tool }) => tool);
        const tools = offered.map(({ name }) => name);
        const task = mode === undefined ? undefined : modeShapes[mode].task;
        const facts = { tools, loadedFirst: loadedFirst(offered), sourceText: text, task };
        expect(instructionsOf(facts).length).toBeLessThanOrEqual(2000);
      }
    }
  }
  const core = toolsOf({ profile: "workspace-core" }).map(({ tool }) => tool);
  expect(JSON.stringify({ tools: core }).length).toBeLessThanOrEqual(20_000);
});
