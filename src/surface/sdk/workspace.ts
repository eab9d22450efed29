// Owns a workspace as an object: the table's methods with its id filled in. Never has methods of its own.
import type { Operation } from "../../operations/operation.js";
import { operations } from "../../operations/table.js";
import type { MethodOptions, Methods } from "./methods.js";

/** `applyWorkspacePatch` → `applyPatch`; `openShell` stays. */
type ShortName<Name> = Name extends `${infer Verb}Workspace${infer Object}` ? `${Verb}${Object}` : Name;

/** Only methods on one workspace: those that take its id. */
type Bound<Method> = Method extends (
  input: infer Input extends { workspaceId: string },
  options?: MethodOptions,
) => infer Result
  ? (...args: BoundArguments<Omit<Input, "workspaceId">>) => Result
  : never;

/** The input may be left out where every other field may be. */
type BoundArguments<Input> =
  Record<string, never> extends Input
    ? [input?: Input, options?: MethodOptions]
    : [input: Input, options?: MethodOptions];

/** Those of `All` that are on one workspace, bound to it. */
export type BoundMethods<All> = {
  readonly [Name in keyof All as Bound<All[Name]> extends never ? never : ShortName<Name>]: Bound<All[Name]>;
};

export type CreatedWorkspace = Awaited<ReturnType<Methods["createWorkspace"]>>;

/** A workspace that is deleted when it is disposed: `await using workspace = await pyro.workspace(…)`. */
export interface Workspace extends BoundMethods<Methods>, AsyncDisposable {
  readonly id: string;
  /** What createWorkspace returned. */
  readonly created: CreatedWorkspace;
}

type AnyMethod = (input: object, options?: MethodOptions) => Promise<unknown>;

/** Binds every method of `pyro` that takes a workspace's id. */
export function bindWorkspace(pyro: Methods, created: CreatedWorkspace): Workspace {
  const id = created.workspaceId;
  const methods = operations.flatMap((operation: Operation) => {
    const { sdk, input } = operation;
    if (sdk === undefined || !("workspace_id" in input.shape)) return [];
    // The table says that there is such a method, and that it takes the id.
    const method = pyro[sdk as keyof Methods] as unknown as AnyMethod;
    const bound = (rest: object = {}, options?: MethodOptions) => method({ ...rest, workspaceId: id }, options);
    return [[sdk.replace("Workspace", ""), bound] as const];
  });
  const dispose = async () => {
    await pyro.deleteWorkspace({ workspaceId: id });
  };
  // The loop makes the methods that the type lists, which TypeScript cannot see.
  return { ...Object.fromEntries(methods), id, created, [Symbol.asyncDispose]: dispose } as unknown as Workspace;
}
