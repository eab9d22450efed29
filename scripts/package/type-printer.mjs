// Prints TypeScript types as text that needs no import of ours: exported names by name, all others spelled out. Formats nothing.

import ts from "typescript";

export class TypePrinter {
  #checker;
  #exported;
  /** Spelled-out type → the exported name for it. */
  #aliases = new Map();

  /**
   * @param {ts.TypeChecker} checker
   * @param {ReadonlyMap<string, ts.Symbol>} exported what may be named instead of spelled out
   */
  constructor(checker, exported) {
    this.#checker = checker;
    this.#exported = exported;
    for (const [name, symbol] of exported) {
      const isAlias = (symbol.flags & ts.SymbolFlags.TypeAlias) !== 0;
      if (isAlias) this.#aliases.set(this.expanded(checker.getDeclaredTypeOfSymbol(symbol)), name);
    }
  }

  expanded(type) {
    if (this.#checker.isArrayType(type)) return this.#list(type);
    if (type.isUnion() && !(type.flags & ts.TypeFlags.Boolean)) return this.#union(type);
    if (!(type.flags & ts.TypeFlags.Object)) return this.#plain(type);
    const [call] = type.getCallSignatures();
    if (call !== undefined) return this.signature(call, " => ");
    const values = type.getStringIndexType();
    if (values !== undefined) return `Readonly<Record<string, ${this.#text(values)}>>`;
    return isOurs(type.symbol) || type.symbol?.name === "__type" ? this.members(type) : this.#plain(type);
  }

  signature(each, arrow) {
    const parameters = each.getParameters().map((parameter) => {
      const mark = this.#checker.isOptionalParameter(parameter.valueDeclaration) ? "?" : "";
      return `${parameter.name}${mark}: ${this.#text(this.#checker.getTypeOfSymbol(parameter))}`;
    });
    const returned = each.getReturnType();
    const [promised] = returned.symbol?.name === "Promise" ? this.#checker.getTypeArguments(returned) : [];
    const result = promised === undefined ? this.#text(returned) : `Promise<${this.#text(promised)}>`;
    return `(${parameters.join(", ")})${arrow}${result}`;
  }

  /** The body of an interface; what is marked `@internal` is left out, and `comments` stand where the source has none. */
  members(type, comments = new Map(), inherited = new Set()) {
    const lines = this.#checker.getPropertiesOfType(type).flatMap((property) => {
      if (inherited.has(property.name) || property.getJsDocTags().some(({ name }) => name === "internal")) return [];
      const own = ts.displayPartsToString(property.getDocumentationComment(this.#checker));
      return [`${commentText(own || comments.get(property.name))}${this.#member(property)};`];
    });
    return `{\n${lines.join("\n")}\n}`;
  }

  #member(property) {
    const type = this.#checker.getTypeOfSymbol(property);
    if (property.flags & ts.SymbolFlags.Method) {
      return `${property.name}${this.signature(type.getCallSignatures()[0], ": ")}`;
    }
    return `readonly ${property.name}${property.flags & ts.SymbolFlags.Optional ? "?" : ""}: ${this.#text(type)}`;
  }

  #text(type) {
    const symbol = type.aliasSymbol ?? type.symbol;
    if (this.#exported.has(symbol?.name) && isOurs(symbol)) return symbol.name;
    const whole = this.expanded(type);
    return this.#aliases.get(whole) ?? whole;
  }

  #plain(type) {
    return this.#checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation);
  }

  #list(type) {
    const isReadonly = this.#plain(type).startsWith("readonly ");
    return `${isReadonly ? "readonly " : ""}(${this.#text(this.#checker.getTypeArguments(type)[0])})[]`;
  }

  #union(type) {
    const parts = new Set(
      type.types.map((each) => (each.getCallSignatures().length > 0 ? `(${this.#text(each)})` : this.#text(each))),
    );
    if (parts.delete("true") && parts.delete("false")) parts.add("boolean");
    const hasUndefined = parts.delete("undefined");
    return [...parts, ...(hasUndefined ? ["undefined"] : [])].join(" | ");
  }
}

/** A comment with its newline, or nothing. */
export function commentText(words) {
  return words ? `/** ${words.replaceAll(/\s*\n\s*/gu, " ")} */\n` : "";
}

function isOurs(symbol) {
  return symbol?.declarations?.some((each) => !each.getSourceFile().fileName.includes("/node_modules/")) === true;
}
