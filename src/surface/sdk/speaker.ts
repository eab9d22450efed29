// Owns how the SDK spells calls for who programs with it. Never makes one.
import type { CallPart, CallValue, FieldPart, Speaker } from "../../base/say.js";
import type { Operation } from "../../operations/operation.js";
import { operations } from "../../operations/table.js";
import { terminalSpeaker } from "../command-line.js";
import { camelCase } from "./case.js";

const table: readonly Operation[] = operations;

function find(name: string): Operation | undefined {
  return table.find((operation) => operation.name === name);
}

const terminal = terminalSpeaker(find);

export const methodSpeaker: Speaker = {
  call: (part: CallPart) => {
    const operation = find(part.call);
    if (operation?.sdk === undefined) {
      const command = terminal.call(part);
      return command === undefined ? undefined : `${command} in a terminal`;
    }
    const given = Object.entries(part.input).map(property);
    return `\`pyro.${operation.sdk}(${given.length === 0 ? "" : `{ ${given.join(", ")} }`})\``;
  },
  field: ({ of, field, value }: FieldPart) => {
    const operation = find(of);
    if (operation?.sdk === undefined || !(field in operation.input.shape)) return terminal.field({ of, field, value });
    return value === undefined ? camelCase(field) : property([field, value]);
  },
};

function property([name, value]: readonly [string, CallValue]): string {
  return `${camelCase(name)}: ${JSON.stringify(value)}`;
}
