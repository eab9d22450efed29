// Owns the proof that a workspace's machine outlives a daemon that is killed, and is found again by the next one.

import { expectEqual } from "../../scripts/dist-check/steps.mjs";
import { expectCode } from "./checks.mjs";

export async function adoption({ account, accelerator, check }) {
  const boot = "workspace exec kept -- cat /proc/sys/kernel/random/boot_id";
  await check(`${account.user}: a machine outlives kill -9 of the daemon`, async () => {
    await account.ask("workspace create --name kept");
    const before = await account.ask(boot);
    const { pid } = await account.ask("daemon status");
    expectCode(await account.sh(`kill -9 ${pid} && while kill -0 ${pid} 2>/dev/null; do sleep 0.1; done`), 0);
    const after = await account.ask(boot);
    expectEqual("the system that answers", after.stdout, before.stdout);
    const now = await account.ask("daemon status");
    expectEqual("that another daemon answers", now.pid !== pid, true);
    const { state, accelerator: used } = await account.ask("workspace status kept");
    expectEqual("state and accelerator", { state, used }, { state: "running", used: accelerator });
  });
  await check(`${account.user}: the next daemon can delete it`, async () => {
    await account.ask("workspace delete kept");
    expectCode(await account.pyro("daemon stop"), 0);
    const { stdout } = await account.sh(`pgrep -u ${account.user} -l qemu-system`);
    expectEqual("QEMU's processes", stdout, "");
  });
}
