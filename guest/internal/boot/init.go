// init.go owns being PID 1: bring the kernel up, start the agent, collect orphans. It never serves the host.

package boot

import (
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// Init never returns: when the agent ends, the machine does.
func Init(agentArgs ...string) {
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"mount kernel file systems", mountKernel},
		{"open the console", openConsole},
		{"load modules", func() error { return loadModules("/lib/modules") }},
		{"set limits", setLimits},
		{"bring up lo", bringUpLoopback},
	} {
		if err := step.do(); err != nil {
			halt(fmt.Sprintf("%s: %v", step.name, err))
		}
	}
	agent := exec.Command("/proc/self/exe", agentArgs...)
	agent.Args[0] = "pyro-guest"
	agent.Stdin, agent.Stdout, agent.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := agent.Start(); err != nil {
		halt(fmt.Sprintf("start the agent: %v", err))
	}
	status := reapUntil(agent.Process.Pid)
	if status.Signaled() {
		halt(fmt.Sprintf("the agent was killed by signal %d", status.Signal()))
	}
	halt(fmt.Sprintf("the agent exited with %d", status.ExitStatus()))
}

// reapUntil collects every child until pid has ended. The agent's own children are not ours until it is gone.
func reapUntil(pid int) unix.WaitStatus {
	for {
		var status unix.WaitStatus
		if ended, err := unix.Wait4(-1, &status, 0, nil); err == nil && ended == pid {
			return status
		}
	}
}

// halt says why on the console and ends the machine: QEMU runs with -no-reboot.
func halt(why string) {
	fmt.Fprintf(os.Stderr, "pyro-guest: %s\n", why)
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	os.Exit(1)
}
