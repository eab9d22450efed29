// Makes the package's declaration file, which needs no other package: what src/index.ts exports, with every type that follows
// from the operation table spelled out, and the table's own words as comments. Decides no type.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { format } from "prettier";
import ts from "typescript";
import { root } from "../step.mjs";
import { commentText, TypePrinter } from "./type-printer.mjs";

/** Resolves with the text of the file. */
export async function packageTypes() {
  const words = await tableWords();
  const program = ts.createProgram([join(root, "src", "index.ts")], compilerOptions());
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(program.getRootFileNames()[0]));
  const exported = new Map(checker.getExportsOfModule(module).map((symbol) => [symbol.name, target(checker, symbol)]));
  const printer = new TypePrinter(checker, exported);
  const methods = methodTexts(printer, words);
  const declarations = [...exported].map(([name, symbol]) => {
    const comment = commentText(ts.displayPartsToString(symbol.getDocumentationComment(checker)));
    if (name === "Pyro") return pyroText({ checker, symbol, methods, comment });
    if (name === "Workspace") return comment + workspaceText({ checker, symbol, methods, pyro: exported.get("Pyro") });
    return comment + declarationText({ name, checker, symbol, printer });
  });
  const head = [
    "// The types of pyro-mcp; they need no other package.",
    'import type { Readable } from "node:stream";',
  ];
  const text = [...head, ...declarations, ...methods.interfaces()].join("\n\n");
  return format(text, { parser: "typescript", printWidth: 120 });
}

function compilerOptions() {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  return ts.parseJsonConfigFileContent(config, ts.sys, root).options;
}

function target(checker, symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** What the table says about methods and their fields, in the SDK's names. */
async function tableWords() {
  const outfile = join(root, "build", `table-${process.pid}.mjs`);
  const contents = [
    'export { operations } from "./src/operations/table.js";',
    'export { fieldsOf } from "./src/operations/field.js";',
    'export { camelCase } from "./src/surface/sdk/case.js";',
  ].join("\n");
  const options = { bundle: true, format: "esm", platform: "node", packages: "external", logLevel: "warning" };
  try {
    await build({ ...options, stdin: { contents, resolveDir: root }, outfile });
    const { operations, fieldsOf, camelCase } = await import(pathToFileURL(outfile).href);
    const comments = (fields) => new Map(fields.map(({ name, description }) => [camelCase(name), description]));
    const entries = operations.map(({ sdk, summary, input, output }) => [
      sdk,
      { summary, input: comments(fieldsOf(input)), result: comments(fieldsOf(output, "output")) },
    ]);
    return new Map(entries.filter(([sdk]) => sdk !== undefined));
  } finally {
    rmSync(outfile, { force: true });
  }
}

function declarationText({ name, checker, symbol, printer }) {
  if (symbol.flags & ts.SymbolFlags.Class) return classText(checker, symbol, printer);
  if (symbol.flags & ts.SymbolFlags.Function) {
    const [signature] = checker.getTypeOfSymbol(symbol).getCallSignatures();
    return `export declare function ${name}${printer.signature(signature, ": ")};`;
  }
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  if (symbol.flags & ts.SymbolFlags.Interface) return `export interface ${name} ${printer.members(type)}`;
  return `export type ${name} = ${printer.expanded(type)};`;
}

function classText(checker, symbol, printer) {
  const [signature] = checker.getTypeOfSymbol(symbol).getConstructSignatures();
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  const [base] = checker.getBaseTypes(type);
  const inherited = new Set(checker.getPropertiesOfType(base).map(({ name }) => name));
  const parameters = printer.signature(signature, ":").replace(/:[^:]*$/u, "");
  const members = printer.members(type, new Map(), inherited).slice(1);
  return `export declare class ${symbol.name} extends ${base.symbol.name} {\nconstructor${parameters};${members}`;
}

function pyroText({ checker, symbol, methods, comment }) {
  const members = methodsOf(checker, symbol).map((method) =>
    method.name === "workspace" ? methods.workspace(method) : methods.own(method),
  );
  const value = "export declare const Pyro: new (options?: PyroOptions) => Pyro;";
  return `${value}\n\n${comment}export interface Pyro {\n${members.join("\n")}\n}`;
}

function workspaceText({ checker, symbol, methods, pyro }) {
  const long = new Map(methodsOf(checker, pyro).map(({ name }) => [name.replace("Workspace", ""), name]));
  const members = [
    "readonly id: string;",
    "/** What createWorkspace returned. */\nreadonly created: CreateWorkspaceResult;",
    ...methodsOf(checker, symbol).flatMap((method) => methods.bound(method, long.get(method.name))),
  ];
  return `export interface Workspace extends AsyncDisposable {\n${members.join("\n")}\n}`;
}

/** The methods, each with its input, which may be declared by itself or in a tuple of all arguments, and its result. */
function methodsOf(checker, symbol) {
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).flatMap((property) => {
    const [signature] = checker.getTypeOfSymbol(property).getCallSignatures();
    if (signature === undefined || property.name.startsWith("__@")) return [];
    const first = checker.getTypeOfSymbol(signature.getParameters()[0]);
    const [result] = checker.getTypeArguments(signature.getReturnType());
    const comment = ts.displayPartsToString(property.getDocumentationComment(checker));
    const isTuple = checker.isTupleType(first);
    const input = isTuple ? checker.getNonNullableType(checker.getTypeArguments(first)[0]) : first;
    const isOptional = isTuple && (first.target.elementFlags[0] & ts.ElementFlags.Optional) !== 0;
    return [{ name: property.name, input, isOptional, result, comment }];
  });
}

/** Methods as text, with one interface for each input and each result; those that are alike are one. */
function methodTexts(printer, words) {
  const names = new Map();
  const declare = (name, body) => {
    names.set(body, [...(names.get(body) ?? []), name]);
    return name;
  };
  const title = (name) => `${name[0].toUpperCase()}${name.slice(1)}`;
  const line = ({ name, isOptional, comment }, input, result) =>
    `${commentText(comment)}${name}(input${isOptional ? "?" : ""}: ${input}, options?: MethodOptions): Promise<${result}>;`;
  return {
    own: (method) => {
      const told = words.get(method.name);
      const input = declare(`${title(method.name)}Input`, printer.members(method.input, told.input));
      const result = declare(`${title(method.name)}Result`, printer.members(method.result, told.result));
      return line({ ...method, comment: told.summary }, input, result);
    },
    workspace: (method) => line(method, "CreateWorkspaceInput", "Workspace"),
    /** The method of a workspace that stands for the method `long` of Pyro. */
    bound: (method, long) => {
      if (long === undefined) return [];
      const input = `Omit<${title(long)}Input, "workspaceId">`;
      return [line({ ...method, comment: words.get(long).summary }, input, `${title(long)}Result`)];
    },
    interfaces: () =>
      [...names].flatMap(([body, [first, ...others]]) => [
        `export interface ${first} ${body}`,
        ...others.map((name) => `export type ${name} = ${first};`),
      ]),
  };
}
