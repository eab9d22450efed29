// Owns completion for bash and zsh: tables that both can read, and for each what asks them. Runs nothing that was typed but `pyro` itself.
import { shortWords } from "../../../operations/command-words.gen.js";
import type { CompletedCommand, CompletionSpec, Place } from "./spec.js";

/** Answers of the tables that are no words: what they stand for is looked for when it is needed. */
function answer(place: Place): string {
  if (typeof place !== "string") return place.join(" ");
  return place === "nothing" ? "" : `@${place}`;
}

interface Row {
  readonly pattern: string;
  /** What every other text of this row begins with. */
  readonly beginning?: string;
  /** Undefined where only knowing it counts. */
  readonly reply?: string;
}

/** Functions that say in REPLY what may follow; they fail where nothing is known. */
function tables({ words, commands }: CompletionSpec): string {
  const known = new Set([...words.keys(), ...commands.keys()].filter((path) => path !== ""));
  return [
    table("_pyro_short", "$1", Object.entries(shortWords).map(row)),
    table(
      "_pyro_known",
      "$1",
      [...known].map((pattern) => ({ pattern })),
    ),
    table(
      "_pyro_words",
      "$1",
      [...words].map(([path, next]) => row([path, next.join(" ")])),
    ),
    table(
      "_pyro_flags",
      "$1",
      [...commands].map(([path, { flags }]) => row([path, flags.join(" ")])),
    ),
    table("_pyro_value", "$1 $2", [...commands].flatMap(valueRows)),
    table("_pyro_place", "$1 $2", [...commands].flatMap(placeRows)),
  ].join("\n");
}

function row([pattern, reply]: readonly [string, string]): Row {
  return { pattern, reply };
}

function valueRows([path, { values }]: readonly [string, CompletedCommand]): readonly Row[] {
  return [...values].map(([flag, place]) => row([`${path} ${flag}`, answer(place)]));
}

function placeRows([path, { places, lastRepeats }]: readonly [string, CompletedCommand]): readonly Row[] {
  return places.map((place, at) => ({
    ...row([`${path} ${at}`, answer(place)]),
    ...(lastRepeats && at === places.length - 1 ? { beginning: `${path} ` } : {}),
  }));
}

function table(name: string, subject: string, rows: readonly Row[]): string {
  const lines = rows.map(({ pattern, beginning, reply }) => {
    const patterns = [quoted(pattern), ...(beginning === undefined ? [] : [`${quoted(beginning)}*`])].join(" | ");
    return `    ${patterns}) ${reply === undefined ? "" : `REPLY=${quoted(reply)} `};;`;
  });
  return [`${name}() {`, `  case "${subject}" in`, ...lines, "    *) return 1 ;;", "  esac", "}"].join("\n");
}

/** Ours are words and names; nothing of them is read by a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * From the words `before` the one to complete, `cur`, to what may stand there, in REPLY: `at` is the command, `place` its next
 * position, `takes` a flag that waits for its value.
 */
const walk = `
  for word in "\${before[@]}"; do
    if [[ -n $takes ]]; then takes=''; continue; fi
    case $word in
      --) return ;;
      --*=*) ;;
      -*) _pyro_value "$at" "$word" && takes=$word ;;
      *)
        full=$word
        _pyro_short "$word" && full=$REPLY
        if [[ $place == 0 ]] && _pyro_known "\${at:+$at }$word"; then at="\${at:+$at }$word"
        elif [[ $place == 0 ]] && _pyro_known "\${at:+$at }$full"; then at="\${at:+$at }$full"
        else place=$((place + 1))
        fi ;;
    esac
  done
  REPLY=''
  if [[ -n $takes ]]; then
    _pyro_value "$at" "$takes"
  elif [[ $cur == --*=* ]]; then
    _pyro_value "$at" "\${cur%%=*}" || return
    cur=\${cur#*=}
  elif [[ $cur == -* ]]; then
    _pyro_flags "$at"
  else
    _pyro_place "$at" "$place" || REPLY=''
    full=$REPLY
    [[ $place == 0 ]] && _pyro_words "$at" && full="$REPLY $full"
    REPLY=$full
  fi`;

const locals = "local word cur full at='' place=0 takes='' REPLY=''";

/** At most a second long, and silent: whoever presses Tab waits, and sees what it prints. */
const names = `_pyro_names() { command pyro completion names "$1" 2>/dev/null </dev/null; }`;

export function bashScript(spec: CompletionSpec): string {
  return `# bash completion for pyro: source <(pyro completion bash)
${tables(spec)}
${names}

_pyro() {
  ${locals}
  local before=() i found
  COMPREPLY=()
  # bash splits words at : and =, as in debian:12
  for ((i = 1; i <= COMP_CWORD; i++)); do
    if ((i > 1)) && [[ \${COMP_WORDS[i]} == [:=]* || \${COMP_WORDS[i-1]} == *[:=] ]]; then
      before[\${#before[@]}-1]+=\${COMP_WORDS[i]}
    else
      before+=("\${COMP_WORDS[i]}")
    fi
  done
  cur=\${before[\${#before[@]}-1]}
  unset "before[\${#before[@]}-1]"
${walk}
  # Read and compared as text: nothing of a name is expanded.
  for word in $REPLY; do
    case $word in
      @files) compopt -o default ;;
      @*)
        while IFS= read -r found; do
          [[ $found == "$cur"* ]] && COMPREPLY+=("$found")
        done < <(_pyro_names "\${word#@}") ;;
      *) [[ $word == "$cur"* ]] && COMPREPLY+=("$word") ;;
    esac
  done
  # What stands before the last : is on the line already.
  COMPREPLY=("\${COMPREPLY[@]#"\${cur%"\${cur##*[:=]}"}"}")
}
complete -F _pyro pyro`;
}

export function zshScript(spec: CompletionSpec): string {
  return `#compdef pyro
# zsh completion for pyro: source <(pyro completion zsh), after compinit
${tables(spec)}
${names}

_pyro() {
  ${locals}
  local -a before found
  before=("\${(@)words[2,CURRENT-1]}")
  cur=\${words[CURRENT]}
${walk}
  [[ \${words[CURRENT]} == --*=* ]] && compset -P '*='
  for word in \${=REPLY}; do
    case $word in
      @files) _files ;;
      @*)
        found=("\${(@f)$(_pyro_names "\${word#@}")}")
        compadd -- "\${(@)found:#}" ;;
      *) compadd -- "$word" ;;
    esac
  done
}

if [[ $funcstack[1] == _pyro ]]; then _pyro; else compdef _pyro pyro; fi`;
}
