// Owns the names that a shell asks for while something is typed. Silent and quick: starts no daemon, and says nothing of what goes wrong.
import * as z from "zod";
import { catalog } from "../../../environment/catalog.js";
import type { Connector } from "../../connection.js";
import type { Command } from "../command.js";

/** Milliseconds: whoever pressed Tab waits. */
const patienceMs = 1000;

const nameKinds = ["workspaces", "environments"] as const;
type NameKind = (typeof nameKinds)[number];

const namesInput = z.strictObject({ kind: z.enum(nameKinds) });

export const completionNamesCommand: Command = {
  path: ["completion", "names"],
  summary: "Print names that exist, a line each; for the completion of shells.",
  positionals: ["kind"],
  input: namesInput,
  hidden: true,
  notes: [],
  run: async (input, { connector, stdout }) => {
    const { kind } = namesInput.parse(input);
    const found = await namesOf(kind, connector).catch(() => []);
    const known = kind === "environments" ? catalog.map(({ name }) => name) : [];
    const names = [...new Set([...known, ...found])].filter((name) => plain.test(name));
    await stdout.write(names.map((name) => `${name}\n`).join(""));
    return 0;
  },
};

/** Nothing that any shell would read as more than a word. */
const plain = /^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/u;

const asked = {
  workspaces: {
    operation: "workspace_list",
    result: z
      .object({ workspaces: z.array(z.object({ workspace_id: z.string(), name: z.string().nullable() })) })
      .transform(({ workspaces }) => workspaces.map(({ workspace_id: id, name }) => name ?? id)),
  },
  environments: {
    operation: "env_list",
    result: z
      .object({ environments: z.array(z.object({ name: z.string() })) })
      .transform(({ environments }) => environments.map(({ name }) => name)),
  },
} as const;

async function namesOf(kind: NameKind, connector: Connector): Promise<readonly string[]> {
  const { operation, result } = asked[kind];
  const signal = AbortSignal.timeout(patienceMs);
  const connection = await connector.find();
  return connection === undefined ? [] : result.parse(await connection.call(operation, {}, { signal, surface: "cli" }));
}
