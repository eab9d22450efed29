// Owns that no call to a guest is without a bound in time, messages, entries and bytes: every client is made here. Never retries.
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { createClient, type CallOptions, type Client, type Transport } from "@connectrpc/connect";
import { PyroError } from "../base/error.js";
import { allowanceOf, Tally } from "./allowance.js";
import type { Bound, GuestTime, Watch } from "./time.js";

export interface GuestCall {
  readonly signal?: AbortSignal | undefined;
  /** Half a minute for a single answer, two minutes of quiet and half an hour in all for a stream, when absent. */
  readonly bound?: Bound;
}

export type BoundedClient<Service extends DescService> = {
  readonly [Method in keyof Client<Service>]: Client<Service>[Method] extends (
    request: infer Request,
    options?: CallOptions,
  ) => infer Answer
    ? (request: Request, call?: GuestCall) => Answer
    : never;
};

const answerBound: Bound = { totalMs: 30_000 };
const streamBound: Bound = { quietMs: 120_000, totalMs: 30 * 60_000 };

type AnyCall = (request: unknown, options: CallOptions) => unknown;

export function boundedClient<Service extends DescService>(
  service: Service,
  transport: Transport,
  time: GuestTime,
): BoundedClient<Service> {
  const client = createClient(service, transport) as unknown as Readonly<Record<string, AnyCall>>;
  const methods = Object.entries(service.method as unknown as Readonly<Record<string, DescMethod>>).map(
    ([name, method]) => {
      const call: AnyCall = (request, options) => client[name]?.(request, options);
      return [name, bounded({ method, call, time })] as const;
    },
  );
  // The types say the same as the descriptor; building the object by its names loses that.
  return Object.fromEntries(methods) as unknown as BoundedClient<Service>;
}

interface Method {
  readonly method: DescMethod;
  readonly call: AnyCall;
  readonly time: GuestTime;
}

function bounded({ method, call, time }: Method): (request: unknown, options?: GuestCall) => unknown {
  if (method.methodKind === "server_streaming") {
    return (request, options = {}) => ({
      [Symbol.asyncIterator]: () => {
        const run = begin(time, { ...options, bound: options.bound ?? streamBound });
        const answers = call(request, { signal: run.over.signal, timeoutMs: 0 }) as AsyncIterable<unknown>;
        return boundedStream(answers, run, new Tally(allowanceOf(method, request)));
      },
    });
  }
  return async (request, options = {}) => {
    const run = begin(time, { ...options, bound: options.bound ?? answerBound });
    try {
      const given = method.methodKind === "client_streaming" ? told(request as AsyncIterable<unknown>, run) : request;
      const answer = await run.orOver(call(given, { signal: run.over.signal, timeoutMs: 0 }) as Promise<unknown>);
      new Tally(allowanceOf(method, request)).add(answer);
      return answer;
    } finally {
      run.end();
    }
  };
}

interface Run {
  readonly over: AbortController;
  readonly watch: Watch;
  /** The value, unless the call is over before: its transport may take its time to notice. */
  orOver<Value>(value: Promise<Value>): Promise<Value>;
  end(): void;
}

function begin(time: GuestTime, { signal, bound = answerBound }: GuestCall): Run {
  const over = new AbortController();
  const watch = time.watch(bound, over);
  const onAbort = () => over.abort(signal?.reason);
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  let reject: ((reason: unknown) => void) | undefined;
  over.signal.addEventListener("abort", () => reject?.(over.signal.reason), { once: true });
  return {
    over,
    watch,
    // Not a race: that would keep something of every message until the call's end.
    orOver: (value) =>
      new Promise((resolve, fail) => {
        reject = fail;
        value.then(resolve, (error: unknown) => fail(over.signal.aborted ? over.signal.reason : plain(error)));
        if (over.signal.aborted) fail(over.signal.reason);
      }),
    end: () => {
      reject = undefined;
      watch[Symbol.dispose]();
      signal?.removeEventListener("abort", onAbort);
      // Also a stream that nobody reads on: the transport would keep it open.
      over.abort();
    },
  };
}

/** The library wraps our own errors. */
function plain(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof PyroError && !(error instanceof PyroError)
    ? error.cause
    : error;
}

async function* boundedStream(answers: AsyncIterable<unknown>, run: Run, tally: Tally): AsyncGenerator {
  const iterator = answers[Symbol.asyncIterator]();
  try {
    for (;;) {
      run.watch.waiting(true);
      const next = await run.orOver(iterator.next());
      run.watch.waiting(false);
      if (next.done === true) return;
      run.watch.heard();
      tally.add(next.value, run.watch.ticks());
      yield next.value;
    }
  } finally {
    run.end();
  }
}

/** What we send: while the next piece is not there yet, the guest is not waited for. */
async function* told(pieces: AsyncIterable<unknown>, { watch }: Run): AsyncGenerator {
  watch.waiting(false);
  for await (const piece of pieces) {
    watch.waiting(true);
    watch.heard();
    yield piece;
    watch.waiting(false);
  }
  watch.waiting(true);
}
