// Owns the command that prints what a shell needs to complete `pyro`. Never asks what exists: the script does, when it needs it.
import * as z from "zod";
import type { Command } from "../command.js";
import { bashScript, zshScript } from "./bash-like.js";
import { fishScript } from "./fish.js";
import { completionSpec } from "./spec.js";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

const completionInput = z.strictObject({
  shell: z.enum(["bash", "zsh", "fish"]).meta({ title: "SHELL", description: "bash, zsh or fish." }),
});

/** For these commands, which are all but itself. */
export function completionCommand(others: readonly Command[]): Command {
  const command: Command = {
    path: ["completion"],
    summary: "Print a script by which a shell completes commands, flags, and names of workspaces and environments.",
    positionals: ["shell"],
    input: completionInput,
    notes: [
      "In ~/.bashrc:  source <(pyro completion bash)",
      "In ~/.zshrc, after compinit:  source <(pyro completion zsh)",
      "In fish, once:  pyro completion fish > ~/.config/fish/completions/pyro.fish",
    ],
    run: async (input, { stdout }) => {
      const { shell } = completionInput.parse(input);
      await stdout.write(`${scripts[shell](completionSpec([...others, command]))}\n`);
      return 0;
    },
  };
  return command;
}
