// Owns a model server on loopback that plays a script to a chat host, and notes what it was asked. Never speaks a wire format itself.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";

/** What the model says next: one call of a tool of ours, by its own name, or the last words. */
export type Turn =
  { readonly tool: string; readonly args: Readonly<Record<string, unknown>> } | { readonly text: string };

/** Decides from the text of all tool results so far; throws when they are not as they should be. */
export type Step = (results: readonly string[]) => Turn;

/** A tool as the host offers it to its model. */
export interface OfferedTool {
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** What a host asks its model. */
export interface Question {
  readonly model: string;
  readonly stream: boolean;
  /** False for side requests, such as the title of a conversation. */
  readonly hasTools: boolean;
  /** Ours, by our own names. */
  readonly tools: ReadonlyMap<string, OfferedTool>;
  /** Names of the host's own tools. */
  readonly hostTools: readonly string[];
  /** The text of each result of a tool of ours so far, as the host gives it to its model. */
  readonly results: readonly string[];
  /** Where the host leaves some tools out until its model asks for them by name. */
  readonly onDemand?: OnDemand | undefined;
}

/** How a model comes by a tool that it has only the name of. */
export interface OnDemand {
  /** The host's own tool for that. */
  readonly tool: OfferedTool;
  /** Its arguments for one of ours. */
  args(name: string): Readonly<Record<string, unknown>>;
  /** Ids of the answers so far that asked for it. */
  readonly asked: readonly string[];
}

/** What a model answers, in terms of the wire. */
export interface Answer {
  readonly id: string;
  readonly model: string;
  readonly content: { readonly text: string } | { readonly tool: OfferedTool; readonly args: string };
}

/** One protocol between hosts and models. */
export interface Wire {
  /** Where the next turn is asked for, without the query. */
  readonly path: string;
  read(body: unknown): Question;
  /** As server-sent events, or as one document. */
  write(answer: Answer, stream: boolean): string;
  /** `METHOD /path` of what hosts ask besides, with the answers. */
  readonly besides: Readonly<Record<string, unknown>>;
}

export interface Call {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Milliseconds of performance.now() when the model asked for it, and when the host came back with the result. */
  readonly askedAt: number;
  readonly answeredAt: number | undefined;
  readonly result: string | undefined;
}

export interface ScriptedModel extends AsyncDisposable {
  readonly url: string;
  readonly calls: readonly Call[];
  /** What the host asked that it should not have, or the script could not accept, one line each. */
  readonly problems: readonly string[];
  /** Names of our tools and of the host's own that were offered first, and when: milliseconds of performance.now(). */
  readonly offered:
    { readonly tools: readonly string[]; readonly hostTools: readonly string[]; readonly at: number } | undefined;
}

export async function startModel(wire: Wire, script: readonly Step[]): Promise<ScriptedModel> {
  const play = new Play(wire, script);
  const server = createServer((request, response) => {
    answer(play, request, response).catch((error: unknown) => {
      play.problems.push(`${request.method} ${request.url}: ${String(error)}`);
      response.writeHead(500).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The model server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls: play.calls,
    problems: play.problems,
    get offered() {
      return play.offered;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(play: Play, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request);
  const path = request.url?.split("?")[0] ?? "";
  const besides = play.wire.besides[`${request.method} ${path}`];
  if (besides !== undefined) {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(besides));
    return;
  }
  if (request.method !== "POST" || path !== play.wire.path) {
    play.problems.push(`asked for ${request.method} ${path}, which this model server does not know`);
    response.writeHead(404).end();
    return;
  }
  const question = play.wire.read(JSON.parse(body.toString("utf8")));
  const text = play.wire.write(play.answer(question), question.stream);
  const type = question.stream ? "text/event-stream" : "application/json";
  response.writeHead(200, { "content-type": type, "cache-control": "no-cache" }).end(text);
}

/** Where the conversation stands. The host's history decides: a request that is sent again gets the same answer. */
class Play {
  readonly calls: Call[] = [];
  readonly problems: string[] = [];
  offered: ScriptedModel["offered"];

  constructor(
    readonly wire: Wire,
    readonly script: readonly Step[],
  ) {}

  answer(question: Question): Answer {
    const { model, tools, hostTools, hasTools, results } = question;
    const id = `scripted_${results.length}`;
    if (!hasTools) return { id, model, content: { text: "A failing test" } };
    const now = performance.now();
    this.offered ??= { tools: [...tools.keys()].toSorted(), hostTools, at: now };
    const last = results.length - 1;
    const call = this.calls[last];
    if (call !== undefined && call.answeredAt === undefined) {
      this.calls[last] = { ...call, answeredAt: now, result: results[last] };
    }
    try {
      return { id, model, content: this.#next(question) };
    } catch (error) {
      if (error instanceof NotLoaded) return { model, ...error.answer };
      this.problems.push(`after ${this.calls[last]?.tool ?? "the prompt"}: ${String(error)}`);
      return { id, model, content: { text: "The script does not go on from here." } };
    }
  }

  #next({ tools, results, onDemand }: Question): Answer["content"] {
    const step = this.script[results.length];
    if (step === undefined) throw new Error("The host went on after the end of the script.");
    const turn = step(results);
    if ("text" in turn) return turn;
    const tool = tools.get(turn.tool);
    if (tool === undefined) throw missing(turn.tool, results.length, onDemand);
    this.calls[results.length] ??= { ...turn, askedAt: performance.now(), answeredAt: undefined, result: undefined };
    return { tool, args: JSON.stringify(turn.args) };
  }
}

/** The next answer has to ask for the tool first. */
class NotLoaded extends Error {
  constructor(readonly answer: Omit<Answer, "model">) {
    super("The tool is not loaded yet.");
  }
}

function missing(name: string, turn: number, onDemand: OnDemand | undefined): Error {
  const id = `load_${turn}`;
  if (onDemand === undefined) return new Error(`The host does not offer ${name}.`);
  if (onDemand.asked.includes(id)) return new Error(`The host does not offer ${name}, also when it is asked for it.`);
  return new NotLoaded({ id, content: { tool: onDemand.tool, args: JSON.stringify(onDemand.args(name)) } });
}

/** Server-sent events; with their names where the wire has any. */
export function eventStream(events: readonly (Readonly<Record<string, unknown>> | "[DONE]")[]): string {
  return events
    .map((event) => {
      if (event === "[DONE]") return "data: [DONE]\n\n";
      const name = typeof event["type"] === "string" ? `event: ${event["type"]}\n` : "";
      return `${name}data: ${JSON.stringify(event)}\n\n`;
    })
    .join("");
}
