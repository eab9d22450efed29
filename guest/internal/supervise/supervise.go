// Package supervise keeps a host program no longer than its daemon wants: it ends the program at a deadline or when
// the daemon is gone, and cleans up after it when nobody else will. It never restarts anything.
package supervise

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	exitUsage = 64
	exitStart = 125
)

type reason string

const (
	exited     reason = "exited"
	deadline   reason = "deadline"
	orphaned   reason = "orphaned"
	terminated reason = "terminated"
)

type report struct {
	ExitCode int    `json:"exit_code"`
	Signal   int    `json:"signal"`
	Reason   reason `json:"reason"`
}

// control is what the daemon says on standard input.
type control struct {
	detached atomic.Bool
	ended    atomic.Bool
	// Closes at end of file without `detach`.
	orphaned chan struct{}
}

// Main runs `pyro-guest supervise` and returns its exit code.
func Main(args []string) int {
	o, err := parseArgs(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "pyro-guest supervise: %v\n", err)
		return exitUsage
	}
	// Caught and dropped: ignored ones would stay ignored in the program.
	signal.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGHUP, unix.SIGPIPE)
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, unix.SIGTERM)
	// Fails only for a group leader, which already has what is wanted.
	_, _ = unix.Setsid()
	if err := run(o, terminate); err != nil {
		fmt.Fprintf(os.Stderr, "pyro-guest supervise: %v\n", err)
		return exitStart
	}
	return 0
}

func run(o options, terminate <-chan os.Signal) error {
	late, err := passed(o.deadlineFile)
	if err != nil {
		return err
	}
	adoptOrphans()
	child, err := startChild(o)
	if err != nil {
		return err
	}
	say(map[string]int{"pid": child.pid})
	daemon := listen(os.Stdin)
	why := exited
	select {
	case <-child.ended:
	case <-late:
		why = deadline
	case <-daemon.orphaned:
		why = orphaned
	case <-terminate:
		why = terminated
	}
	if why != exited {
		child.kill()
		<-child.ended
	}
	awaitOrphans()
	if why != exited || daemon.ended.Load() || hungUp(os.Stdin) {
		err = removeAll(o.remove)
	}
	say(reportOf(child.status, why))
	return err
}

func listen(stdin io.Reader) *control {
	c := &control{orphaned: make(chan struct{})}
	go func() {
		lines := bufio.NewScanner(stdin)
		for lines.Scan() {
			if lines.Text() == "detach" {
				c.detached.Store(true)
			}
		}
		c.ended.Store(true)
		if !c.detached.Load() {
			close(c.orphaned)
		}
	}()
	return c
}

// hungUp tells whether the daemon has closed its end, also before listen has seen it.
func hungUp(stdin *os.File) bool {
	poll := []unix.PollFd{{Fd: int32(stdin.Fd())}}
	n, err := unix.Poll(poll, 0)
	return err == nil && n == 1 && poll[0].Revents&unix.POLLHUP != 0
}

func reportOf(status syscall.WaitStatus, why reason) report {
	if status.Signaled() {
		return report{ExitCode: 128 + int(status.Signal()), Signal: int(status.Signal()), Reason: why}
	}
	return report{ExitCode: status.ExitStatus(), Reason: why}
}

// say prints one JSON line. Nobody may be listening any more.
func say(value any) {
	line, err := json.Marshal(value)
	if err == nil {
		_, _ = os.Stdout.Write(append(line, '\n'))
	}
}

func removeAll(paths []string) error {
	var failed error
	for _, path := range paths {
		if removable(path) {
			failed = errors.Join(failed, remove(path))
		}
	}
	return failed
}

// remove also takes folders that their owner may not write to, which keep a user from removing what is in them.
func remove(path string) error {
	if err := os.RemoveAll(path); err == nil || !errors.Is(err, os.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			_ = os.Chmod(name, 0o700)
		}
		return nil
	})
	return os.RemoveAll(path)
}

func isCanceled(err error) bool { return errors.Is(err, unix.ECANCELED) }
