// Owns the SDK's client: one method for every operation that has one. Never knows what a method does.
import type { CallOptions } from "../../client/call.js";
import { asPyroError } from "../../base/error.js";
import { parseInput } from "../../operations/input.js";
import type { Operation } from "../../operations/operation.js";
import { operations } from "../../operations/table.js";
import { callOperation, type Connector } from "../connection.js";
import { daemonConnector } from "../open.js";
import { worded } from "../worded.js";
import { bindWorkspace, type Workspace } from "./workspace.js";
import { toCamel, toSnake } from "./case.js";
import type { MethodOptions, Methods } from "./methods.js";
import { methodSpeaker } from "./speaker.js";

export type { MethodOptions };

export interface PyroOptions {
  /** Folder of another pyro than the user's, as PYRO_HOME: its state, its cache and its daemon. */
  readonly home?: string;
  /** @internal How the daemon is reached; for tests. */
  readonly connector?: Connector;
}

/** One method per operation; each throws a PyroError and nothing else. */
export interface Pyro extends Methods {
  /** Creates a workspace as an object with methods of its own, which is deleted when it is disposed. */
  workspace(...args: Parameters<Methods["createWorkspace"]>): Promise<Workspace>;
}

class Client {
  readonly #connector: Connector;

  constructor({ home, connector = daemonConnector(home) }: PyroOptions = {}) {
    this.#connector = connector;
    for (const operation of operations) this.#addMethod(operation);
  }

  async workspace(...args: Parameters<Methods["createWorkspace"]>): Promise<Workspace> {
    // The constructor has added the methods that the type lists.
    const pyro = this as unknown as Pyro;
    return bindWorkspace(pyro, await pyro.createWorkspace(...args));
  }

  #addMethod(operation: Operation): void {
    if (operation.sdk === undefined) return;
    const value = async (input: unknown = {}, options: MethodOptions = {}): Promise<unknown> => {
      try {
        const call = { operation, input: parseInput(operation.input, toSnake(operation.input, input)) };
        const result = await callOperation(this.#connector, call, callOptions(options));
        return toCamel(operation.output, worded(call, result, methodSpeaker));
      } catch (error) {
        throw asPyroError(error).spelledBy(methodSpeaker);
      }
    };
    Object.defineProperty(this, operation.sdk, { value, enumerable: true });
  }
}

/** Connects to nothing yet: the first call does, and starts the daemon where none runs. */
// The constructor's loop makes the methods that the type lists, which TypeScript cannot see.
export const Pyro = Client as unknown as new (options?: PyroOptions) => Pyro;

function callOptions({ onOutput, ...rest }: MethodOptions): CallOptions {
  const own = { ...rest, surface: "sdk" } as const;
  return onOutput === undefined ? own : { ...own, onOutput: async (stream, data) => onOutput(stream, data) };
}
