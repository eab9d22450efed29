// record.go owns the state of one program, from its start to its release; it never talks to the host.

package process

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

type record struct {
	id string
	// Closes when the start has succeeded or failed; the fields of this block are fixed from then on.
	settled  chan struct{}
	startErr error
	pid      int
	terminal *os.File
	input    *input
	tree     Tree
	sources  []*source
	begun    time.Time

	notice notice
	stdout *outputLog
	stderr *outputLog

	mu       sync.Mutex
	timer    *time.Timer
	timedOut bool
	// The kernel may give the pid to another process from here on.
	reaped   bool
	exit     *guestv1.Exit
	released bool
	// Nothing of its tree is left, and both logs are sealed.
	over bool
}

func newRecord(id string) *record {
	r := &record{id: id, settled: make(chan struct{}), begun: time.Now()}
	r.stdout = newOutputLog(&r.notice)
	r.stderr = newOutputLog(&r.notice)
	return r
}

// refuse makes the record of a program that could not be run.
func (r *record) refuse(code int32, message string) {
	r.stderr.write([]byte("pyro: " + message + "\n"))
	r.stdout.seal()
	r.stderr.seal()
	r.mu.Lock()
	r.reaped, r.over = true, true
	r.exit = &guestv1.Exit{ExitCode: code, DurationNanos: int64(time.Since(r.begun))}
	r.mu.Unlock()
	r.notice.wake()
}

// limit kills the tree when the program outlives timeout.
func (r *record) limit(timeout time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if timeout <= 0 || r.reaped {
		return
	}
	r.timer = time.AfterFunc(timeout-time.Since(r.begun), func() {
		r.mu.Lock()
		if r.reaped {
			r.mu.Unlock()
			return
		}
		r.timedOut = true
		r.mu.Unlock()
		r.tree.Signal(unix.SIGKILL)
	})
}

// reap collects the program if it has ended.
func (r *record) reap() (unix.WaitStatus, bool) {
	var status unix.WaitStatus
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		pid, err := unix.Wait4(r.pid, &status, unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		r.reaped = pid == r.pid || err != nil
		return status, r.reaped
	}
}

// await sleeps until the program ends. pidfd is -1 where the kernel has none.
func (r *record) await(pidfd int) {
	if pidfd >= 0 {
		if status, ended := r.awaitPolling(pidfd); ended {
			r.finish(status)
			return
		}
	}
	// Looks without collecting, since the mutex may not be held while this blocks.
	for unix.Waitid(unix.P_PID, r.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	status, _ := r.reap()
	r.finish(status)
}

// awaitPolling waits in the runtime's poller, which takes no thread.
func (r *record) awaitPolling(pidfd int) (status unix.WaitStatus, ended bool) {
	_ = unix.SetNonblock(pidfd, true)
	file := os.NewFile(uintptr(pidfd), "pidfd")
	defer file.Close()
	conn, err := file.SyscallConn()
	if err != nil {
		return status, false
	}
	_ = conn.Read(func(uintptr) bool {
		status, ended = r.reap()
		return ended
	})
	return status, ended
}

func (r *record) finish(status unix.WaitStatus) {
	exit := &guestv1.Exit{DurationNanos: int64(time.Since(r.begun))}
	if status.Signaled() {
		exit.Signal = int32(status.Signal())
		exit.ExitCode = 128 + exit.Signal
	} else {
		exit.ExitCode = int32(status.ExitStatus())
	}
	r.drain()
	exit.OomKilled = r.tree.OutOfMemory()
	// On a terminal they have lost it.
	exit.Background = !r.tree.Settle() && r.terminal == nil
	if !exit.Background {
		r.stdout.seal()
		r.stderr.seal()
	}
	r.mu.Lock()
	r.over = !exit.Background
	exit.TimedOut = r.timedOut
	r.exit = exit
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	r.notice.wake()
	if r.input != nil {
		r.input.stop()
	}
	r.tree.Emptied()
	if exit.Background {
		r.finishRest()
	}
}

// finishRest takes what those that were left in the background have printed, now that they have ended, too.
func (r *record) finishRest() {
	for _, s := range r.sources {
		s.drain()
	}
	r.stdout.seal()
	r.stderr.seal()
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	r.notice.wake()
}

func (r *record) drain() {
	for _, s := range r.sources {
		s.drain()
	}
	r.stdout.mark()
	r.stderr.mark()
}

func (r *record) isOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

func (r *record) exited() *guestv1.Exit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.exit
}

// signalGroup reaches the program's process group or, on a terminal, its foreground group.
func (r *record) signalGroup(signal syscall.Signal) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reaped {
		return false
	}
	group := r.pid
	if r.terminal != nil {
		_ = control(r.terminal, func(fd int) error {
			if foreground, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err == nil && foreground > 0 {
				group = foreground
			}
			return nil
		})
	}
	return unix.Kill(-group, signal) == nil
}

func (r *record) release() {
	r.mu.Lock()
	r.released = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	if r.tree != nil {
		r.tree.Release()
	}
	r.stdout.seal()
	r.stderr.seal()
	if r.input != nil {
		r.input.stop()
	}
	for _, s := range r.sources {
		s.close()
	}
	r.notice.wake()
}

// abandon forgets a program that has exited and lets what it left running go on; the sources drain what that prints.
func (r *record) abandon() {
	r.mu.Lock()
	r.released = true
	r.mu.Unlock()
	r.stdout.seal()
	r.stderr.seal()
	if r.input != nil {
		r.input.stop()
	}
	r.notice.wake()
}

func (r *record) isReleased() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.released
}

func (r *record) info() *guestv1.ProcessInfo {
	exit := r.exited()
	info := &guestv1.ProcessInfo{
		ProcessId:   r.id,
		Pid:         int32(r.pid),
		Running:     exit == nil,
		Exit:        exit,
		StdoutBytes: r.stdout.size(),
		StderrBytes: r.stderr.size(),
	}
	if r.input != nil {
		info.StdinBytes = r.input.position()
	}
	return info
}
