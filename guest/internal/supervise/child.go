// child.go owns the supervised program's process; it never decides when it ends.

package supervise

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The first one after the standard ones: what exec.Cmd.ExtraFiles begins with, in us and in the program.
const channelDescriptor = 3

const (
	orphanPatience = 5 * time.Second
	orphanPause    = time.Millisecond
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
	if err := keepDescriptors(); err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if o.passChannel {
		channel := os.NewFile(channelDescriptor, "channel")
		// Only the program's copy stays open: its end is the channel's.
		defer channel.Close()
		command.ExtraFiles = []*os.File{channel}
	}
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c := &child{ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The death signal is bound to the thread that forks: it has to live as long as the program.
		runtime.LockOSThread()
		leaveKeyring()
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

// keepDescriptors keeps from the program what we have open, and what we ourselves were started with by accident: a
// sandbox must get nothing of the host's.
func keepDescriptors() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// leaveKeyring gives this thread, and what it starts, a session keyring of its own: no namespace covers the user's.
func leaveKeyring() {
	// A kernel without keyrings has none to leave.
	_, _, _ = unix.Syscall(unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0)
}

// adoptOrphans has what the program leaves behind become our children.
func adoptOrphans() {
	// Fails on no kernel we run on; then removal comes early, and is done again by the next daemon.
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// awaitOrphans waits for processes that die with the program but after it, and may still write to what is removed.
func awaitOrphans() {
	for deadline := time.Now().Add(orphanPatience); time.Now().Before(deadline); {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		switch {
		case err == unix.EINTR || pid > 0:
		case err != nil:
			return
		default:
			time.Sleep(orphanPause)
		}
	}
}
