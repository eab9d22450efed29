// Owns starting a server as a host would and asking it for its tools. Never calls one, so that no machine starts.
import { Client } from "@modelcontextprotocol/client";
import { asPyroError } from "../base/error.js";
import { version } from "../base/version.js";
import type { Launch } from "./host.js";
import { ServerProcess } from "./server-process.js";

export type Handshake =
  | {
      readonly kind: "completed";
      readonly server: { readonly name: string; readonly version: string };
      readonly tools: readonly string[];
      /** From its start to its list of tools. */
      readonly milliseconds: number;
    }
  | { readonly kind: "failed"; readonly reason: string; readonly stderrTail: string };

const maxPages = 20;

/** Only rejects when the caller aborts. Nothing that it started is left. */
export async function handshake(
  launch: Launch & { readonly environment: NodeJS.ProcessEnv },
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<Handshake> {
  const began = performance.now();
  const deadline = AbortSignal.timeout(timeoutMs);
  const server = new ServerProcess(launch);
  const client = new Client({ name: "pyro-host-doctor", version });
  const options = { signal: AbortSignal.any([signal, deadline]), timeout: timeoutMs };
  try {
    await client.connect(server, options);
    const tools: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < maxPages; page += 1) {
      const listed = await client.listTools(cursor === undefined ? {} : { cursor }, options);
      tools.push(...listed.tools.map(({ name }) => name));
      cursor = listed.nextCursor;
      if (cursor === undefined) break;
    }
    const { name = "", version: its = "" } = client.getServerVersion() ?? {};
    const milliseconds = Math.round(performance.now() - began);
    return { kind: "completed", server: { name, version: its }, tools, milliseconds };
  } catch (error) {
    signal.throwIfAborted();
    const late = `It did not answer within ${timeoutMs / 1000} s.`;
    const why = server.end ?? (deadline.aborted ? late : asPyroError(error).message);
    const noise = server.noise === "" ? "" : ` On standard output it printed: ${JSON.stringify(server.noise)}`;
    return { kind: "failed", reason: why + noise, stderrTail: server.stderrTail };
  } finally {
    await server.close();
  }
}
