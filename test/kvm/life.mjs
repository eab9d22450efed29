// Owns the ordinary steps of one user on an emulated host: doctor, machines, and the life of a workspace.

import { expectEqual } from "../../scripts/dist-check/steps.mjs";
import { expectCode, expectMatch } from "./checks.mjs";

const PROVED = ["create", "exec", "reset", "delete"];
/** Seconds by the host's clock until a machine must wait in the pool. */
const POOL_SECONDS = 60;

/** What doctor says of KVM to a user who may use it, and to one who may not. */
const DOCTOR = {
  kvm: { severity: "ok", text: /^Fast: .* booted our kernel in / },
  tcg: { severity: "warning", text: /may not open \/dev\/kvm/ },
};

/** From the first look to a machine that waits. */
export async function machines({ account, accelerator, check }) {
  const named = (name) => `${account.user}: ${name}`;
  await check(named("doctor finds the host fit, and KVM as it is"), async (note) => {
    const { ok, findings, ms } = await account.ask("doctor");
    const { severity, text } = findings.find(({ code }) => code === "kvm");
    note(`${ms} ms: ${text}`);
    expectEqual("its verdict", ok, true);
    expectEqual("what it makes of KVM", severity, DOCTOR[accelerator].severity);
    expectMatch("its words on KVM", text, DOCTOR[accelerator].text);
  });
  const run = async (note) => {
    const result = await account.ask("run debian:12 -- sh -c 'echo $((6*7))'");
    note(`${result.ms} ms`);
    return result;
  };
  await check(named(`the first run makes a saved machine under ${accelerator}`), async (note) => {
    const { stdout, accelerator: used } = await run(note);
    expectEqual("output and accelerator", { stdout, used }, { stdout: "42\n", used: accelerator });
    expectEqual("saved machines", (await account.templates()).length, 1);
  });
  await check(named("a later run restores it"), async (note) => {
    const before = await account.templates();
    const { stdout, accelerator: used } = await run(note);
    expectEqual("output and accelerator", { stdout, used }, { stdout: "42\n", used: accelerator });
    expectEqual("saved machines", await account.templates(), before);
  });
  await check(named("the exit status of a command is run's own"), async () => {
    expectCode(await account.pyro("run debian:12 -- sh -c 'exit 7'"), 7);
  });
  await account.configure({ pool_size: 1 });
  await check(named("prepare proves a workspace and leaves a machine waiting"), async (note) => {
    const { proved, pooled_machines, steps, ms } = await account.ask("prepare");
    note(`${ms} ms: ${steps.map(({ step, duration_ms }) => `${step} ${duration_ms}`).join(", ")}`);
    expectEqual("what it proved", { proved, pooled_machines }, { proved: PROVED, pooled_machines: 1 });
  });
  await check(named("a run takes the machine that waits, and another is made"), async (note) => {
    const { stdout } = await run(note);
    expectEqual("output", stdout, "42\n");
    const waits = `for i in $(seq ${POOL_SECONDS}); do pyro daemon status | grep -q '1 waiting' && exit 0; sleep 1; done; exit 1`;
    expectCode(await account.sh(waits), 0);
  });
}

/** A guest with more processors than its host has: they wait for each other much of the time. */
export async function processors({ account, accelerator, check }) {
  await check(`${account.user}: --vcpu-count 2 gives two processors`, async (note) => {
    const { stdout, accelerator: used, ms } = await account.ask("run --vcpu-count 2 debian:12 -- nproc");
    note(`${ms} ms`);
    expectEqual("processors and accelerator", { stdout, used }, { stdout: "2\n", used: accelerator });
  });
}

/** create → exec → diff → reset → stop → start → delete, as a user types it. */
export async function life({ account, accelerator, check }) {
  const named = (name) => `${account.user}: workspace ${name}`;
  const seed =
    "rm -rf ~/project && mkdir ~/project && cd ~/project && echo one >a.txt && git init -q . && git add a.txt";
  expectCode(await account.sh(seed), 0);
  const exec = (command) => account.ask(`workspace exec w -- sh -c '${command}'`);
  await check(named("create starts from a seed and names its accelerator"), async (note) => {
    const { ms } = await account.ask("workspace create --seed-path ~/project --name w");
    note(`${ms} ms`);
    const { state, accelerator: used } = await account.ask("workspace status w");
    expectEqual("state and accelerator", { state, used }, { state: "running", used: accelerator });
  });
  await check(named("exec runs a command that changes files"), async (note) => {
    const { stdout, ms } = await exec("cat a.txt && echo two >a.txt && echo new >b.txt");
    note(`${ms} ms`);
    expectEqual("output", stdout, "one\n");
  });
  await check(named("diff shows these changes"), async (note) => {
    const { counts, patch, ms } = await account.ask("workspace diff w");
    note(`${ms} ms`);
    expectEqual("counts", counts, { added: 1, modified: 1, deleted: 0, renamed: 0, type_changed: 0 });
    expectMatch("the patch", patch, /^-one\n\+two$/mu);
  });
  await check(named("reset takes them back"), async (note) => {
    const { ms } = await account.ask("workspace reset w");
    note(`${ms} ms`);
    const { stdout } = await exec("cat a.txt; ls");
    expectEqual("files after it", stdout, "one\na.txt\n");
  });
  await check(named("stop and start keep the disk"), async (note) => {
    await exec("echo kept >d.txt");
    const stopped = await account.ask("workspace stop w");
    const started = await account.ask("workspace start w");
    note(`stop ${stopped.ms} ms, start ${started.ms} ms`);
    const { stdout } = await exec("cat d.txt");
    const { accelerator: used } = await account.ask("workspace status w");
    expectEqual("file and accelerator", { stdout, used }, { stdout: "kept\n", used: accelerator });
  });
  await check(named("delete leaves nothing"), async (note) => {
    const { ms } = await account.ask("workspace delete w");
    note(`${ms} ms`);
    const { workspaces } = await account.ask("workspace list");
    expectEqual("workspaces", workspaces, []);
  });
  await check(named("daemon stop leaves no machine"), async () => {
    expectCode(await account.pyro("daemon stop"), 0);
    const { stdout } = await account.sh(`pgrep -u ${account.user} -l qemu-system`);
    expectEqual("QEMU's processes", stdout, "");
  });
}
