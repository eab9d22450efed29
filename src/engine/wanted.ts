// Owns what the user wants machines to run on: two settings, and before each its variable. Never looks at the host.
import { PyroError } from "../base/error.js";
import { call, say } from "../base/say.js";
import {
  acceleratorChoices,
  engineChoices,
  isEarlierEngineChoice,
  type AcceleratorChoice,
  type EngineChoice,
  type Settings,
} from "../base/settings.js";

export interface Wanted {
  readonly engine: EngineChoice;
  readonly accelerator: AcceleratorChoice;
  /** What says so, for a person; empty where all is left to us. */
  readonly by: string;
}

export type EngineSettings = Pick<Settings, "engine" | "accelerator">;
export type EngineVariables = Readonly<Record<string, string | undefined>>;

type Field = keyof EngineSettings;
type Choice = { readonly value: string; readonly by: string } | undefined;
type Choices = Readonly<Record<Field, Choice>>;

const variableNames = { engine: "PYRO_ENGINE", accelerator: "PYRO_ACCELERATOR" } as const satisfies Record<
  Field,
  string
>;

interface Spelling {
  readonly what: string;
  write(field: Field, value: string): string;
}

const asVariable: Spelling = { what: "", write: (field, value) => `${variableNames[field]}=${value}` };
const asSetting: Spelling = { what: "the setting ", write: (field, value) => `"${field}": "${value}"` };

/** Of an engine or accelerator that is asked for by name none is taken instead. */
export function isLeftToUs({ engine, accelerator }: Pick<Wanted, Field>): boolean {
  return engine === "auto" && accelerator === "auto";
}

/** What the variables say goes before the settings. An unknown value of a variable is refused. */
export function wantedEngine(settings: EngineSettings, variables: EngineVariables): Wanted {
  const [engine, accelerator] = [variables[variableNames.engine], variables[variableNames.accelerator]];
  const first = inTodaysWords({ engine, accelerator }, asVariable);
  const setting = first.engine === undefined ? settings.engine : undefined;
  const then = inTodaysWords({ engine: setting, accelerator: settings.accelerator }, asSetting);
  const chosen = { engine: first.engine ?? then.engine, accelerator: first.accelerator ?? then.accelerator };
  const named = [chosen.engine, chosen.accelerator].flatMap((each) => (each && each.value !== "auto" ? [each.by] : []));
  return {
    engine: oneOf(engineChoices, "engine", chosen.engine),
    accelerator: oneOf(acceleratorChoices, "accelerator", chosen.accelerator),
    by: [...new Set(named)].join(" and "),
  };
}

/** Earlier versions had `kvm` and `tcg` among the engines, which are QEMU's accelerators. */
function inTodaysWords(
  { engine, accelerator }: { readonly [Key in Field]: string | undefined },
  { what, write }: Spelling,
): Choices {
  const say = (field: Field, value: string | undefined): Choice =>
    value === undefined || value === "" ? undefined : { value, by: what + write(field, value) };
  const own = say("accelerator", accelerator);
  if (engine === undefined || !isEarlierEngineChoice(engine)) {
    return { engine: say("engine", engine), accelerator: own };
  }
  const by = `${what}${write("engine", engine)} (today ${write("accelerator", engine)})`;
  return { engine: { value: "qemu", by }, accelerator: own ?? { value: engine, by } };
}

function oneOf<Value extends string>(
  values: readonly ("auto" | Value)[],
  field: Field,
  choice: Choice,
): "auto" | Value {
  if (choice === undefined) return "auto";
  const found = values.find((each) => each === choice.value);
  if (found !== undefined) return found;
  const what = `${variableNames[field]} is ${JSON.stringify(choice.value)}, which is no ${field}.`;
  throw new PyroError("invalid_argument", what, {
    hint: say`Set it to one of ${values.join(", ")}, or unset it; then stop the daemon by ${call("daemon_stop")}.`,
  });
}
