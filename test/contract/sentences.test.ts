// Proves that no sentence of ours names a call which its reader does not have: it walks every text in src, and spells every one that has calls.

import ts from "typescript";
import { expect, test } from "vitest";
import { say, type CallInput, type Part, type PlainPart, type Said, type Speaker } from "../../src/base/say.js";
import { profiles, type Operation } from "../../src/operations/operation.js";
import { plannedNames } from "../../src/operations/planned.js";
import { modes } from "../../src/operations/serve-choices.js";
import { operations } from "../../src/operations/table.js";
import { allCommands } from "../../src/surface/cli/commands.js";
import { flagsOf } from "../../src/surface/cli/flags.js";
import { terminalSpeaker } from "../../src/surface/command-line.js";
import { toolSpeaker } from "../../src/surface/mcp/speaker.js";
import { toolsOf } from "../../src/surface/mcp/tools.js";
import { methodSpeaker } from "../../src/surface/sdk/speaker.js";
import { checkoutFiles } from "./checkout.js";

const table: readonly Operation[] = operations;

/** Reached from a terminal only, as a test below holds: they may name commands and flags. */
const TERMINAL_ONLY = {
  files: ["src/doctor/", "src/chat-host/", "src/operations/doctor.ts", "src/operations/host.ts"],
  operations: ["doctor", "host_connect", "host_doctor", "host_print_config", "host_repair"],
} as const;

/** What the user gives when a server is started is the user's in every case. */
const FOR_THE_USER = ["src/operations/serve-choices.ts"];

/** Neither a reader's: the contract's list, documents, and a demo that shows commands to a person and tools to a model. */
const LISTS = ["src/operations/planned.ts", "src/surface/docs/", "src/surface/demo/"];

/** Parts of an operation's literal that only one surface shows. */
const ONE_SURFACE = new Set(["name", "sdk", "cli", "mcp"]);

const words = (names: readonly string[]) => names.toSorted((left, right) => right.length - left.length).join("|");
const toolNames = [...table.map(({ name }) => name), ...plannedNames("tools")].filter((name) => name.includes("_"));
const TOOL = new RegExp(`\\b(${words(toolNames)})\\b`, "u");
const commands = allCommands();
const COMMAND = new RegExp(`\\bpyro (${words(commands.map(({ path }) => path.join(" ")))})\\b`, "u");
const flagNames = new Set(commands.flatMap((command) => flagsOf(command).map(({ name }) => name)));
const FLAG = new RegExp(`(?<![\\w-])--(${words([...flagNames, "json", "help"])})(?![\\w-])`, "u");

const sources = checkoutFiles(
  (path) => /^src\/.*(?<!\.gen|\.test)\.ts$/u.test(path) && !path.startsWith("src/guest/gen/"),
).map(({ path, text }) => ({ path, root: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) }));

const under = (path: string, places: readonly string[]) =>
  places.some((place) => (place.endsWith("/") ? path.startsWith(place) : path === place));

test("what only a terminal reaches is offered nowhere else", () => {
  const reached = table.filter(({ name }) => TERMINAL_ONLY.operations.some((each) => each === name));
  expect(reached.map(({ name, mcp, sdk }) => ({ name, mcp, sdk }))).toEqual(
    reached.map(({ name }) => ({ name, mcp: undefined, sdk: undefined })),
  );
  expect(reached.length).toBe(TERMINAL_ONLY.operations.length);
});

test("no text names a tool, a command or a flag where its reader may have none of the kind", () => {
  const found = sources
    .filter(({ path }) => !under(path, LISTS))
    .flatMap(({ path, root }) =>
      textsIn(root).flatMap((text) => {
        const foreign = foreignTo(path, text);
        return foreign === undefined ? [] : [`${path}: ${foreign} in ${JSON.stringify(text)}`];
      }),
    );
  expect(found).toEqual([]);
});

const sentences = sources.flatMap(({ path, root }) => saidIn(root).map((said) => ({ path, said })));
const named = sentences.filter(({ said }) => said.parts.some((part) => typeof part !== "string"));

test("every sentence with calls is spelled for a terminal by commands and flags, and by no tool's name", () => {
  expect(named.length).toBeGreaterThan(30);
  const terminal = terminalSpeaker((name) => table.find((operation) => operation.name === name));
  const read = named.filter(({ path }) => !path.startsWith("src/surface/mcp/"));
  const texts = read.map(({ path, said }) => ({ path, text: spoken(said.parts, terminal) }));
  expect(texts.filter(({ text }) => text === undefined || TOOL.test(text))).toEqual([]);
});

test("every sentence with calls is spelled for a model by the tools of its server, and by commands and flags only where they are the user's", () => {
  const servers = [
    ...profiles.map((profile) => ({ profile })),
    ...modes.map((mode) => ({ profile: profiles[1], mode })),
  ];
  for (const server of servers) {
    const tools = toolsOf(server);
    const speaker = toolSpeaker(tools);
    const offered = new Set(tools.map(({ tool }) => tool.name));
    const wrong = named
      .filter(({ said }) => said.parts.every((part) => mayArise(part, offered)))
      .map(({ path, said }) => ({ path, text: spoken(said.parts, speaker) }))
      .filter(({ text }) => text === undefined || namesForeign(text, offered));
    expect({ server, wrong }).toEqual({ server, wrong: [] });
  }
});

test("every sentence with calls is spelled for a program by methods, and by no tool's name", () => {
  const texts = named.map(({ path, said }) => ({ path, text: spoken(said.parts, methodSpeaker) }));
  expect(texts.filter(({ text }) => text === undefined || TOOL.test(text))).toEqual([]);
});

/** Where a server has no workspaces, or runs nothing once, nothing is said of them; a field is one of the call that is answered. */
function mayArise(part: Part, offered: ReadonlySet<string>): boolean {
  if (typeof part === "string" || "either" in part) return true;
  if ("field" in part) return offered.has(part.of);
  if (part.call.startsWith("workspace_")) return offered.has("workspace_create");
  return !part.call.startsWith("vm_") || offered.has("vm_run");
}

/** Without what is marked as the user's; and the tools that remain are offered. */
function namesForeign(text: string, offered: ReadonlySet<string>): boolean {
  const own = withoutGit(text)
    .replaceAll(/`[^`]*` \(which the user runs in a terminal\)/gu, "")
    .replaceAll(/--[\w-]+, which only the user can give/gu, "");
  const tools = [...own.matchAll(new RegExp(TOOL, "gu"))].map(([name]) => name);
  return COMMAND.test(own) || FLAG.test(own) || tools.some((name) => !offered.has(name));
}

/** Its flags are its own, whatever ours are called. */
function withoutGit(text: string): string {
  return text.replaceAll(/`git [^`]*`/gu, "");
}

function foreignTo(path: string, text: string): string | undefined {
  const tool = TOOL.exec(text)?.[0];
  const flag = text.includes(" ") ? FLAG.exec(withoutGit(text))?.[0] : undefined;
  const command = COMMAND.exec(text)?.[0] ?? flag;
  if (path.startsWith("src/surface/mcp/")) return command;
  if (
    under(path, [
      "src/surface/cli/",
      "src/surface/command-line.ts",
      "src/surface/serve-flags.ts",
      ...FOR_THE_USER,
      ...TERMINAL_ONLY.files,
    ])
  )
    return tool;
  return tool ?? command;
}

/** Every text that a reader may get to see: not the names of modules, types, calls, what one surface shows, nor what is marked. */
function textsIn(node: ts.Node): readonly string[] {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return [];
  if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === "forPerson") return [];
  if (ts.isCallExpression(node) && ["call", "field", "callField", "import"].includes(node.expression.getText()))
    return [];
  if (ts.isPropertyAssignment(node) && isOfOperation(node) && ONE_SURFACE.has(node.name.getText())) return [];
  if (ts.isPropertyAssignment(node) && ts.isStringLiteral(node.name)) return textsIn(node.initializer);
  if (ts.isElementAccessExpression(node) || isComparison(node)) return [];
  // A name that stands alone is no sentence, but what the program itself calls.
  if ((ts.isStringLiteralLike(node) || ts.isTemplateTail(node)) && toolNames.includes(node.text)) return [];
  const own =
    ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)
      ? [node.text]
      : [];
  const inner: string[] = [];
  node.forEachChild((child) => void inner.push(...textsIn(child)));
  return [...own, ...inner];
}

function isOfOperation({ parent }: ts.PropertyAssignment): boolean {
  return ts.isCallExpression(parent.parent) && parent.parent.expression.getText() === "operation";
}

/** Such as `field === "workspace_id"`: nobody reads it. */
function isComparison(node: ts.Node): boolean {
  return ts.isBinaryExpression(node) && /^[!=]==$|^in$/u.test(node.operatorToken.getText());
}

/** Every sentence that is written as data, with X for what is known only when it is said. */
function saidIn(node: ts.Node): readonly Said[] {
  // A choice is part of the sentence around it.
  if (ts.isCallExpression(node) && node.expression.getText() === "either") return [];
  const inner: Said[] = [];
  node.forEachChild((child) => void inner.push(...saidIn(child)));
  return ts.isTaggedTemplateExpression(node) && node.tag.getText() === "say" ? [saidOf(node), ...inner] : inner;
}

function saidOf({ template }: ts.TaggedTemplateExpression): Said {
  if (ts.isNoSubstitutionTemplateLiteral(template)) return say(asStrings([template.text]));
  const texts = [template.head.text, ...template.templateSpans.map(({ literal }) => literal.text)];
  return say(asStrings(texts), ...template.templateSpans.map(({ expression }) => valueOf(expression)));
}

function asStrings(texts: readonly string[]): TemplateStringsArray {
  return Object.assign([...texts], { raw: texts });
}

function valueOf(node: ts.Expression): string | Part {
  if (!ts.isCallExpression(node)) return "X";
  const [first, second, third] = node.arguments;
  const text = (each: ts.Node | undefined) => (each !== undefined && ts.isStringLiteralLike(each) ? each.text : "X");
  switch (node.expression.getText()) {
    case "call":
      return { call: text(first), input: inputOf(second) };
    case "field":
    case "callField":
      return { of: text(first), field: text(second), value: third === undefined ? undefined : literalOf(third) };
    case "either":
      return {
        either: node.arguments.map((each) => (ts.isTaggedTemplateExpression(each) ? plainOf(saidOf(each)) : ["X"])),
      };
    default:
      return "X";
  }
}

function plainOf({ parts }: Said): readonly PlainPart[] {
  return parts.filter((part): part is PlainPart => typeof part === "string" || !("either" in part));
}

function inputOf(node: ts.Expression | undefined): CallInput {
  if (node === undefined || !ts.isObjectLiteralExpression(node)) return {};
  return Object.fromEntries(
    node.properties.flatMap((property) =>
      ts.isPropertyAssignment(property)
        ? [[property.name.getText(), literalOf(property.initializer)]]
        : ts.isShorthandPropertyAssignment(property)
          ? [[property.name.getText(), "X"]]
          : [],
    ),
  );
}

function literalOf(node: ts.Expression): string | boolean {
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
  return ts.isStringLiteralLike(node) ? node.text : "X";
}

/** Undefined where the speaker lacks a call that nothing else is said for. */
function spoken(parts: readonly Part[], speaker: Speaker): string | undefined {
  const texts = parts.map((part) => {
    if (typeof part === "string") return part;
    if ("call" in part) return speaker.call(part);
    if ("field" in part) return speaker.field(part);
    return part.either.map((choice) => spoken(choice, speaker)).find((text) => text !== undefined) ?? "";
  });
  return texts.includes(undefined) ? undefined : texts.join("");
}
