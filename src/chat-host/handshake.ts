// Owns starting a server as a host would and asking it for its tools. Never calls one, so that no machine starts.
import { Client, SUPPORTED_PROTOCOL_VERSIONS, type ClientOptions } from "@modelcontextprotocol/client";
import { asPyroError } from "../base/error.js";
import { version } from "../base/version.js";
import type { Launch, Protocol } from "./host.js";
import { ServerProcess } from "./server-process.js";

export type Handshake =
  | {
      readonly kind: "completed";
      readonly server: { readonly name: string; readonly version: string };
      readonly tools: readonly string[];
      /** The revision that they have come to speak. */
      readonly protocol: string;
      /** From its start to its list of tools. */
      readonly milliseconds: number;
    }
  | { readonly kind: "failed"; readonly reason: string; readonly stderrTail: string };

export interface HandshakeOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** What the host asks for first; a server that does not speak it is spoken to as the host would then. */
  readonly protocol: Protocol;
}

const maxPages = 20;

/** Only rejects when the caller aborts. Nothing that it started is left. */
export async function handshake(
  launch: Launch & { readonly environment: NodeJS.ProcessEnv },
  { signal, timeoutMs, protocol }: HandshakeOptions,
): Promise<Handshake> {
  const began = performance.now();
  const deadline = AbortSignal.timeout(timeoutMs);
  const server = new ServerProcess(launch);
  const client = new Client({ name: "pyro-host-doctor", version }, speaking(protocol));
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
    const spoken = client.getNegotiatedProtocolVersion() ?? protocol;
    return { kind: "completed", server: { name, version: its }, tools, protocol: spoken, milliseconds };
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

/** Since 2026-07-28 a client asks what the server speaks, before that it began with its own newest. */
function speaking(protocol: Protocol): ClientOptions {
  if (protocol === "2026-07-28") return { versionNegotiation: { mode: "auto" } };
  return { supportedProtocolVersions: [protocol, ...SUPPORTED_PROTOCOL_VERSIONS.filter((each) => each !== protocol)] };
}
