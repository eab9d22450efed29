// child.go owns the supervised program's process; it never decides when it ends.

package supervise

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
)

type child struct {
	pid    int
	kill   func()
	ended  chan struct{}
	status syscall.WaitStatus
}

// startChild starts the program so that it dies with the supervisor.
func startChild(o options) (*child, error) {
	if o.oomScoreAdj != nil {
		// Ours is inherited. Lowering it needs a privilege that a user does not have.
		if err := os.WriteFile("/proc/self/oom_score_adj", []byte(strconv.Itoa(*o.oomScoreAdj)), 0); err != nil {
			fmt.Fprintf(os.Stderr, "pyro-guest supervise: oom_score_adj: %v\n", err)
		}
	}
	command := exec.Command(o.program[0], o.program[1:]...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c := &child{ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The death signal is bound to the thread that forks: it has to live as long as the program.
		runtime.LockOSThread()
		err := command.Start()
		started <- err
		if err != nil {
			return
		}
		_ = command.Wait()
		c.status, _ = command.ProcessState.Sys().(syscall.WaitStatus)
		close(c.ended)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	c.pid = command.Process.Pid
	c.kill = func() { _ = command.Process.Kill() }
	return c, nil
}
