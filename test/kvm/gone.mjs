// Owns taking KVM away from a user in mid-life, in each way that happens, and what pyro must make of it: the run goes on under
// emulation and says so in one line, nothing that was saved is lost, and when KVM is back it is used again.

import { expectEqual } from "../../scripts/dist-check/steps.mjs";
import { openAccount } from "./account.mjs";
import { expectCode, expectMatch } from "./checks.mjs";

/** SVM enabled by somebody else: bit 12 of the register EFER. */
const EFER = "0xc0000080";
const setEfer = (bit) => `wrmsr -a ${EFER} $(printf '0x%x' $(( 0x$(rdmsr ${EFER}) ${bit} )))`;

const WAYS = [
  {
    name: "the right to /dev/kvm is lost",
    take: "chgrp root /dev/kvm",
    give: "chgrp kvm /dev/kvm",
    doctor: /may not open \/dev\/kvm/,
  },
  {
    name: "the module is unloaded",
    take: "rmmod kvm_amd kvm",
    give: "modprobe kvm_amd && udevadm settle",
    doctor: /no \/dev\/kvm/,
  },
  {
    name: "another hypervisor holds the processor",
    onlyShared: true,
    take: `modprobe msr && ${setEfer("| 0x1000")}`,
    give: setEfer("& ~0x1000"),
    doctor: /another hypervisor, .*holds this processor/,
  },
];

export async function gone({ machine, host, check }) {
  const ada = await openAccount(machine, "ada");
  const root = (script) => machine.run("root", script);
  await check("ada: a first run under KVM", async () => {
    const { accelerator } = await ada.ask("run debian:12 -- true");
    expectEqual("accelerator", accelerator, "kvm");
  });
  await ada.ask("workspace create --name w");
  await ada.ask("workspace exec w -- sh -c 'echo kept >a.txt'");
  await ada.ask("workspace stop w");
  for (const way of WAYS.filter(({ onlyShared }) => !onlyShared || host.sharesSvm)) {
    await takeAway({ ada, root, check }, way);
  }
}

async function takeAway({ ada, root, check }, { name, take, give, doctor }) {
  const saved = await ada.templates();
  expectCode(await root(take), 0);
  await check(`${name}: the run goes on under emulation and says so in one line`, async (note) => {
    const { accelerator, stdout, stderr_text: stderr, ms } = await ada.ask("run debian:12 -- echo on");
    const lines = stderr.split("\n").filter((line) => line.startsWith("pyro: KVM no longer works"));
    note(`${ms} ms: ${lines.join(" / ")}`);
    expectEqual("output and accelerator", { stdout, accelerator }, { stdout: "on\n", accelerator: "tcg" });
    expectEqual("lines that say so", lines.length, 1);
  });
  await check(`${name}: no saved machine is lost`, async () => {
    const now = await ada.templates();
    const lost = saved.filter((folder) => !now.includes(folder));
    expectEqual("saved machines that are lost", lost, []);
  });
  await check(`${name}: a workspace made under KVM starts`, async (note) => {
    const { ms } = await ada.ask("workspace start w");
    note(`${ms} ms`);
    const { stdout } = await ada.ask("workspace exec w -- cat a.txt");
    const { accelerator } = await ada.ask("workspace status w");
    await ada.ask("workspace stop w");
    expectEqual("file and accelerator", { stdout, accelerator }, { stdout: "kept\n", accelerator: "tcg" });
  });
  await check(`${name}: doctor says what is wrong`, async (note) => {
    const { findings } = await ada.ask("doctor");
    const { text } = findings.find(({ code }) => code === "kvm");
    note(text);
    expectMatch("doctor's words on KVM", text, doctor);
  });
  expectCode(await root(give), 0);
  // A daemon keeps the slower engine that it went over to.
  expectCode(await ada.pyro("daemon stop"), 0);
  await check(`${name}: KVM is used again once it is back`, async (note) => {
    const { accelerator, ms } = await ada.ask("run debian:12 -- true");
    note(`${ms} ms`);
    expectEqual("accelerator", accelerator, "kvm");
    const now = await ada.templates();
    expectEqual(
      "the saved machines of before",
      saved.filter((folder) => now.includes(folder)),
      saved,
    );
  });
}
