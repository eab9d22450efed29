// Owns docs/performance.md: the figures of one run, and what they mean. Never measures.
import type { HostDescription } from "./host.js";
import type { Result } from "./result.js";
import { isMet, type Profile } from "./row.js";
import { cellsOf, textOf } from "./table.js";

export function documentOf(result: Result): string {
  const missed = result.rows.filter((row) => isMet(row) === false);
  const verdict =
    missed.length === 0
      ? "Every budget that is measured here was met."
      : `Missed: ${missed.map(({ what }) => what).join("; ")}. The profiles below say where the time goes.`;
  const parts = [
    introduction,
    `## Figures\n\n${aboutHost(result.host)} ${result.started_at.slice(0, 10)}, ${result.seconds} s.\n`,
    ...result.warnings.map((warning) => `**${warning}**\n`),
    markdownTable(["what", "median", "p10–p90", "goal", "reference", "ratio", ""], result.rows.map(cellsOf)),
    `${verdict}\n`,
    explanation,
    "## Profiles\n\nMedian milliseconds of each stage, in order.\n",
    ...result.profiles.map(profileText),
  ];
  return parts.join("\n");
}

const introduction = `# Performance

<!-- Written by \`make bench\`; change bench/document.ts instead. -->

\`make bench\` measures again, on this machine, and rewrites this file and \`build/bench.json\`; it takes under three minutes.
\`node bench/main.mjs --quick\` takes fewer samples and leaves this file alone. Close what else runs first. Timings never make it fail:
it ends with an error only when something did not work.

A figure is the median of its samples. A *reference* is measured in the same run, sample by sample in turn with the figure, so the *ratio*
stays true on a machine that is slower, faster or busy. "raw" is a minimal script that takes the same QEMU steps with the same arguments
and makes the same calls to the guest agent, without supervisor, folders, records or checks (\`bench/raw-*.ts\`).
`;

const explanation = `## What the rows mean

- **restore / create from the template**: a new QEMU process maps the saved memory copy-on-write and loads the devices' state; its root
  is mounted already, on a disk over the one that was saved with it. *Answers* is the first call answered; a *create* has also told the
  machine its clock, entropy and names.
- **with a disk that stays and a seed**: what a workspace gets. The seed is put under the machine and mounted over \`/workspace\`.
- **create from the pool**: a machine that was restored ahead is resumed and named. Making the next one begins in the background soon
  after, and competes for the processor with what comes then; the raw reference has no such competitor.
- **run /bin/true in a warm machine**: three calls, and a fork and exec inside, once that code has run before in this machine.
- **pyro run**: a whole process of the command line, with a daemon and a pooled machine there already; from the start of \`node\` to its end,
  including the removal of the machine. *What the command itself costs* is that without the daemon's part, so mostly node and loading our code.
- **private memory** is the anonymous memory of QEMU and its supervisor: pages the guest wrote after the restore, translated code, heaps.
  What was read only is shared with all machines of the template. *Guest memory in use* is what the guest's kernel says.
- **bubblewrap** is what starting a container costs at least: namespaces and one exec, on the host's own kernel.

Where the time goes without KVM: QEMU translates the guest's code when it first runs in a process, about 7 µs for each block of 4 to 5
instructions, and that is nearly all the time of a restored machine's first calls (a first hello is some 14,000 blocks, a first program
some 12,000, mounting a root some 18,000, which is why the saved machine has its root mounted). Running translated code is fast. So a
machine in the pool has done everything once before it waits, and the same steps then take a tenth. With KVM there is no translation.
`;

function aboutHost({
  cpu,
  cores,
  memory_gib,
  kernel,
  hypervisor,
  node,
  qemu,
  accelerator,
  load_at_start,
}: HostDescription): string {
  const kind = hypervisor ? "a virtual machine itself" : "bare metal";
  return (
    `${cores} × ${cpu}, ${memory_gib} GiB (${kind}), Linux ${kernel}, QEMU ${qemu} with ${accelerator.toUpperCase()}, ` +
    `Node ${node}, load ${load_at_start} at the start.`
  );
}

function profileText({ what, stages }: Profile): string {
  const rows = stages.map(({ stage, figure }) => [stage, textOf(figure), figure.p10.toFixed(1), figure.p90.toFixed(1)]);
  return `### ${capital(what)}\n\n${markdownTable(["until", "median", "p10", "p90"], rows)}`;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
