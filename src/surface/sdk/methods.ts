// Owns the types of the SDK's methods, derived from the table. Never makes one.
import type { Readable } from "node:stream";
import type * as z from "zod";
import type { ProgressEvent } from "../../base/progress.js";
import type { OutputStream } from "../../operations/operation.js";
import type { AnyOperation } from "../../operations/table.js";
import type { Camel } from "./case.js";

export interface MethodOptions {
  /** Cancels the call. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Given: output comes here as it happens, and not in the result. The next chunk waits for what it returns. */
  readonly onOutput?: (stream: OutputStream, data: Uint8Array) => void | Promise<void>;
  /** Passed on to the guest's command. */
  readonly stdin?: Readable;
}

type SdkOperation = AnyOperation extends infer Each
  ? Each extends { readonly sdk?: infer Name extends string }
    ? string extends Name
      ? never
      : Each
    : never
  : never;

type Input<Each extends SdkOperation> = Camel<z.input<Each["input"]>>;
type Result<Each extends SdkOperation> = Camel<z.output<Each["output"]>>;

type Method<Each extends SdkOperation> = (
  ...args: undefined extends OptionalInput<Each>
    ? [input?: Input<Each>, options?: MethodOptions]
    : [input: Input<Each>, options?: MethodOptions]
) => Promise<Result<Each>>;

/** Includes undefined where every field may be left out. */
type OptionalInput<Each extends SdkOperation> = Record<string, never> extends Input<Each> ? undefined : never;

export type Methods = { readonly [Each in SdkOperation as NonNullable<Each["sdk"]>]: Method<Each> };
