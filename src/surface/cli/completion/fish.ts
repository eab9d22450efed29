// Owns completion for fish. Runs nothing that was typed but `pyro` itself.
import { shortWords } from "../../../operations/command-words.gen.js";
import type { CompletionSpec, Place } from "./spec.js";

interface Row {
  readonly pattern: string;
  readonly prints: readonly string[];
}

export function fishScript({ words, commands }: CompletionSpec): string {
  const known = new Set([...words.keys(), ...commands.keys()].filter((path) => path !== ""));
  const all = [...commands];
  return `# fish completion for pyro: pyro completion fish | source
${[
  table(
    "short",
    "$argv[1]",
    Object.entries(shortWords).map(([short, word]) => ({ pattern: short, prints: [word] })),
  ),
  table(
    "known",
    "$argv[1]",
    [...known].map((pattern) => ({ pattern, prints: [] })),
  ),
  table(
    "words",
    "$argv[1]",
    [...words].map(([pattern, prints]) => ({ pattern, prints })),
  ),
  table(
    "flags",
    "$argv[1]",
    all.map(([pattern, { flags }]) => ({ pattern, prints: flags })),
  ),
  table(
    "value",
    '"$argv[1] $argv[2]"',
    all.flatMap(([path, { values }]) =>
      [...values].map(([flag, place]) => ({ pattern: `${path} ${flag}`, prints: answer(place) })),
    ),
  ),
  table(
    "place",
    '"$argv[1] $argv[2]"',
    all.flatMap(([path, { places, lastRepeats }]) =>
      places.map((place, at) => ({
        pattern: lastRepeats && at === places.length - 1 ? `${path} *` : `${path} ${at}`,
        prints: answer(place),
      })),
    ),
  ),
].join("\n")}
${script}`;
}

/** Answers that begin with @ stand for what is looked for when it is needed. */
function answer(place: Place): readonly string[] {
  if (typeof place !== "string") return place;
  return place === "nothing" ? [] : [`@${place}`];
}

/** A function that prints a line for each; its status says whether it knows the text. */
function table(name: string, subject: string, rows: readonly Row[]): string {
  const lines = rows.map(({ pattern, prints }) => {
    const print = prints.length === 0 ? "true" : `printf '%s\\n' ${prints.map(quoted).join(" ")}`;
    return `    case ${quoted(pattern)}\n      ${print}`;
  });
  return [
    `function __pyro_${name}`,
    `  switch ${subject}`,
    ...lines,
    "    case '*'",
    "      return 1",
    "  end",
    "end",
  ].join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** As in the other shells: `at` is the command, `place` its next position, `takes` a flag that waits for its value. */
const script = `
function __pyro_offer
  for word in $argv
    switch $word
      case @files
        __fish_complete_path (commandline -ct | string replace -r '^--[^=]*=' '')
      case '@*'
        command pyro completion names (string sub -s 2 -- $word) 2>/dev/null </dev/null
      case '*'
        printf '%s\\n' $word
    end
  end
end

function __pyro_complete
  set -l at ''
  set -l place 0
  set -l takes ''
  set -l before (commandline -opc)
  set -l cur (commandline -ct)
  for word in $before[2..-1]
    if test -n "$takes"
      set takes ''
      continue
    end
    switch $word
      case --
        return
      case '--*=*'
      case '-*'
        __pyro_value "$at" $word >/dev/null; and set takes $word
      case '*'
        set -l full (__pyro_short $word; or echo $word)
        set -l next (string trim -- "$at $word")
        set -l next_full (string trim -- "$at $full")
        if test $place = 0; and __pyro_known $next
          set at $next
        else if test $place = 0; and __pyro_known $next_full
          set at $next_full
        else
          set place (math $place + 1)
        end
    end
  end
  if test -n "$takes"
    __pyro_offer (__pyro_value "$at" $takes)
  else if string match -q -- '--*=*' $cur
    set -l flag (string replace -r '=.*' '' -- $cur)
    for value in (__pyro_offer (__pyro_value "$at" $flag))
      printf '%s\\n' $flag=$value
    end
  else if string match -q -- '-*' $cur
    __pyro_flags "$at"
  else
    test $place = 0; and __pyro_words "$at"
    __pyro_offer (__pyro_place "$at" $place)
  end
end

complete -c pyro -f -a '(__pyro_complete)'`;
