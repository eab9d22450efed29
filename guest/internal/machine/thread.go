// thread.go owns the one OS thread that lives in the machine's mounts and root; it never decides what runs there.

package machine

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// A thread runs functions in its own mount namespace and with its own root and working folder. Children that are
// forked on it inherit those, so nothing has to be set up for each program.
type thread struct {
	work chan func()
}

func newThread() (*thread, error) {
	t := &thread{work: make(chan func())}
	ready := make(chan error)
	go func() {
		// Never unlocked: the runtime ends the thread with its goroutine, and makes no other thread from it.
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		ready <- err
		if err != nil {
			return
		}
		for f := range t.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		return nil, err
	}
	return t, nil
}

func (t *thread) run(f func() error) error {
	done := make(chan error, 1)
	t.work <- func() { done <- f() }
	return <-done
}

// end lets the thread go, and with it whatever is still mounted in its namespace.
func (t *thread) end() { close(t.work) }
