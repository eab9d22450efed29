// Generated from the operation table by `make generate`: the words of its commands, without the commands.

/** What the daemon answers, nothing in the caller's process. */
export const daemonCommands: readonly (readonly string[])[] = [
  ["daemon","status"],
  ["env","inspect"],
  ["env","list"],
  ["env","prune"],
  ["env","pull"],
  ["prepare"],
  ["run"],
  ["workspace","create"],
  ["workspace","delete"],
  ["workspace","diff"],
  ["workspace","exec"],
  ["workspace","export"],
  ["workspace","file","list"],
  ["workspace","file","read"],
  ["workspace","file","write"],
  ["workspace","list"],
  ["workspace","logs"],
  ["workspace","patch","apply"],
  ["workspace","reset"],
  ["workspace","start"],
  ["workspace","status"],
  ["workspace","stop"],
  ["workspace","summary"],
  ["workspace","sync","push"],
  ["workspace","update"],
  ["workspace","wait"],
];

export const callerCommands: readonly (readonly string[])[] = [
  ["daemon","audit"],
  ["daemon","log"],
  ["daemon","stop"],
  ["doctor"],
  ["host","connect"],
  ["host","disconnect"],
  ["host","doctor"],
  ["host","print-config"],
  ["host","repair"],
];

/** What may be typed for a word of a command → the word. */
export const shortWords: Readonly<Record<string, string>> = {"ws":"workspace","ls":"list","rm":"delete"};
